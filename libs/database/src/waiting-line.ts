export interface WaitingLineOptions<Item> {
  /** The most items of one batch. */
  readonly maxItems: number;
  /** The most that one batch may weigh; a heavier item is a batch of its own. Left out means any weight. */
  readonly maxWeight?: number;
  readonly weigh?: (item: Item) => number;
  /** Names the owner of an item. Left out means that all items have one owner. */
  readonly ownerOf?: (item: Item) => string;
}

/**
 * The items that wait for the next batch, in the order in which they came. Once more waits than one batch holds, the
 * owners take turns, so that an owner with many items waits behind itself; the items of one owner keep their order.
 * Until then an item is one push into an array, as if there were no owners.
 */
export class WaitingLine<Item> {
  private line: Item[] = [];
  /** The items by owner, the next owner first; defined only while more waits than one batch holds. */
  private lanes: Map<string, Item[]> | undefined;
  private weight = 0;
  /** The number of items that wait. */
  size = 0;

  constructor(private readonly options: WaitingLineOptions<Item>) {}

  /** True if what waits fills a batch. */
  get hasFullBatch(): boolean {
    const { maxItems, maxWeight = Infinity } = this.options;
    return this.size >= maxItems || this.weight >= maxWeight;
  }

  /** Returns how many items of this owner wait; 0 while all items fit into one batch and owners are not told apart. */
  sizeOf(owner: string): number {
    return this.lanes?.get(owner)?.length ?? 0;
  }

  push(item: Item): void {
    this.size += 1;
    this.weight += this.weigh(item);
    if (this.lanes) addTo(this.lanes, this.ownerOf(item), item);
    else this.line.push(item);
    if (!this.lanes && this.options.ownerOf && this.exceedsBatch) this.split();
  }

  /** Takes out the next batch. */
  take(): Item[] {
    if (!this.exceedsBatch) return this.takeAll();
    const batch = this.lanes ? this.takeInTurns(this.lanes) : this.takeFirst();
    this.size -= batch.length;
    for (const item of batch) this.weight -= this.weigh(item);
    if (this.lanes && !this.exceedsBatch) this.join(this.lanes);
    return batch;
  }

  private get exceedsBatch(): boolean {
    const { maxItems, maxWeight = Infinity } = this.options;
    return this.size > maxItems || this.weight > maxWeight;
  }

  private split(): void {
    this.lanes = new Map();
    for (const item of this.line) addTo(this.lanes, this.ownerOf(item), item);
    this.line = [];
  }

  private join(lanes: ReadonlyMap<string, Item[]>): void {
    this.line = [...lanes.values()].flat();
    this.lanes = undefined;
  }

  private takeAll(): Item[] {
    const batch = this.line;
    this.line = [];
    this.size = 0;
    this.weight = 0;
    return batch;
  }

  private takeFirst(): Item[] {
    const { maxItems, maxWeight = Infinity } = this.options;
    let count = 0;
    let weight = 0;
    for (const item of this.line) {
      weight += this.weigh(item);
      if (count === maxItems || (count > 0 && weight > maxWeight)) break;
      count += 1;
    }
    return this.line.splice(0, count);
  }

  /** Takes one item of each owner, round after round, until the batch is full. */
  private takeInTurns(lanes: Map<string, Item[]>): Item[] {
    const { maxItems, maxWeight = Infinity } = this.options;
    const batch: Item[] = [];
    let weight = 0;
    // An owner who has more goes to the end of the map, where this loop comes to it again.
    for (const [owner, lane] of lanes) {
      const [item] = lane;
      if (item === undefined) break;
      weight += this.weigh(item);
      if (batch.length === maxItems || (batch.length > 0 && weight > maxWeight)) break;
      batch.push(item);
      lane.shift();
      lanes.delete(owner);
      if (lane.length > 0) lanes.set(owner, lane);
    }
    return batch;
  }

  private ownerOf(item: Item): string {
    return this.options.ownerOf?.(item) ?? '';
  }

  private weigh(item: Item): number {
    return this.options.weigh?.(item) ?? 0;
  }
}

function addTo<Item>(lanes: Map<string, Item[]>, owner: string, item: Item): void {
  const lane = lanes.get(owner);
  if (lane) lane.push(item);
  else lanes.set(owner, [item]);
}
