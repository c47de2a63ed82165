/** The turn of the event loop, counted while somebody asks. */
let turn = 0;
let isTurnCounted = false;

function currentTurn(): number {
  if (!isTurnCounted) {
    isTurnCounted = true;
    setImmediate(() => {
      turn += 1;
      isTurnCounted = false;
    });
  }
  return turn;
}

/** Counts what is taken in one turn of the event loop. */
export class TurnBudget {
  private turn = -1;
  private taken = 0;

  constructor(private readonly perTurn: number) {}

  /** Takes one; says what may still be taken in this turn. Negative: no more may be, this one included. */
  take(): number {
    const now = currentTurn();
    if (this.turn !== now) {
      this.turn = now;
      this.taken = 0;
    }
    this.taken += 1;
    return this.perTurn - this.taken;
  }
}

/**
 * Does what it is given in its order, a few tasks in each turn of the event loop, so that a wave of them keeps nobody
 * else waiting. A task must not throw.
 */
export class TurnQueue {
  private readonly tasks: (() => void)[] = [];
  private readonly budget: TurnBudget;

  constructor(perTurn: number) {
    this.budget = new TurnBudget(perTurn);
  }

  run(task: () => void): void {
    if (this.tasks.length === 0 && this.budget.take() >= 0) return task();
    if (this.tasks.push(task) === 1) setImmediate(() => this.doSome());
  }

  private doSome(): void {
    let count = 0;
    while (count < this.tasks.length && this.budget.take() >= 0) this.tasks[count++]?.();
    this.tasks.splice(0, count);
    if (this.tasks.length > 0) setImmediate(() => this.doSome());
  }
}
