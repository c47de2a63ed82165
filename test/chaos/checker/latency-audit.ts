import type { HistoryEvent } from '../history/event.js';
import type { DeviceBook } from './device-book.js';
import type { Publish, PublishBook } from './publish-book.js';
import type { Strike, StrikeBook } from './strike-book.js';

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Recovery extends Percentiles {
  readonly fault: string;
  readonly boundMs: number;
}

interface Sample {
  readonly publish: Publish;
  readonly device: string;
  /** The instance from which the message came. */
  readonly via: string;
  readonly deliveredAt: number;
  /** True if the device's connection was open before the publish. */
  readonly wasOpen: boolean;
}

/** Measures the time from publish to delivery, for devices that wanted to be online all the while. */
export class LatencyAudit {
  private readonly samples: Sample[] = [];

  constructor(
    private readonly publishes: PublishBook,
    private readonly deviceBook: DeviceBook,
  ) {}

  take(event: HistoryEvent): void {
    if (event.event !== 'deliver') return;
    const { device, at: deliveredAt, messages } = event;
    const { presentSince = Infinity, openSince = Infinity, via } = this.deviceBook.of(device);
    for (const [, , n, , isFresh] of messages) {
      const publish = this.publishes.all.get(n);
      if (!publish || !isFresh || publish.firstInvokedAt < presentSince) continue;
      this.samples.push({ publish, device, via, deliveredAt, wasOpen: openSince <= publish.firstInvokedAt });
    }
  }

  /** Groups the latencies by kind of fault. `calm` holds those to which no fault contributed. */
  sorted(strikes: StrikeBook): { calm: Percentiles; recoveries: Recovery[]; bystanders: Recovery[] } {
    const calm: number[] = [];
    const recoveries = new SampleGroups();
    const bystanders = new SampleGroups();
    for (const sample of this.samples) {
      const { publish, deliveredAt } = sample;
      const invokedAt = publish.firstInvokedAt;
      const blamed = strikes.blamedFor(invokedAt, deliveredAt);
      if (!blamed) calm.push(deliveredAt - invokedAt);
      else {
        const latency = countedLatency(blamed, invokedAt, deliveredAt);
        if (latency !== undefined) recoveries.add(blamed, latency);
        if (isBystander(blamed, sample)) bystanders.add(blamed, deliveredAt - invokedAt);
      }
    }
    return { calm: percentilesOf(calm), recoveries: recoveries.sorted(), bystanders: bystanders.sorted() };
  }
}

/** True if neither publisher nor receiver was hit, and the message was under way while a fault hit others. */
function isBystander({ touched, endedAt = Infinity }: Strike, { publish, device, via, wasOpen }: Sample): boolean {
  if (!touched || !wasOpen || publish.firstInvokedAt > endedAt || publish.attempts.length > 1) return false;
  return ![publish.publisher, publish.via, device, via].some((name) => touched.includes(name));
}

/** Computes the latency that counts; undefined if the message arrived while none could be expected yet. */
function countedLatency({ countsFrom, endedAt = Infinity }: Strike, invokedAt: number, deliveredAt: number) {
  if (countsFrom === 'publish') return deliveredAt - invokedAt;
  return deliveredAt > endedAt ? deliveredAt - Math.max(invokedAt, endedAt) : undefined;
}

class SampleGroups {
  private readonly byFault = new Map<string, { boundMs: number; values: number[] }>();

  add({ fault, recoversWithinMs }: Strike, value: number): void {
    const group = this.byFault.get(fault) ?? { boundMs: recoversWithinMs, values: [] };
    this.byFault.set(fault, group);
    group.values.push(value);
  }

  sorted(): Recovery[] {
    return [...this.byFault]
      .map(([fault, { boundMs, values }]) => ({ fault, boundMs, ...percentilesOf(values) }))
      .sort((a, b) => a.fault.localeCompare(b.fault));
  }
}

export function percentilesOf(values: number[]): Percentiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
