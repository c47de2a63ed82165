/** The turn of the event loop, counted while somebody asks. */
let turn = 0;
let isTurnCounted = false;

export function currentTurn(): number {
  if (!isTurnCounted) {
    isTurnCounted = true;
    setImmediate(() => {
      turn += 1;
      isTurnCounted = false;
    });
  }
  return turn;
}

/**
 * Does what it is given in its order, a few tasks in each turn of the event loop, so that a wave of them keeps nobody
 * else waiting. A task must not throw.
 */
export class TurnQueue {
  private readonly tasks: (() => void)[] = [];
  private turn = -1;
  private done = 0;

  constructor(private readonly perTurn: number) {}

  run(task: () => void): void {
    if (this.tasks.length === 0 && this.mayDo()) return task();
    if (this.tasks.push(task) === 1) setImmediate(() => this.doSome());
  }

  private doSome(): void {
    let count = 0;
    while (count < this.tasks.length && this.mayDo()) this.tasks[count++]?.();
    this.tasks.splice(0, count);
    if (this.tasks.length > 0) setImmediate(() => this.doSome());
  }

  private mayDo(): boolean {
    const now = currentTurn();
    if (this.turn !== now) {
      this.turn = now;
      this.done = 0;
    }
    this.done += 1;
    return this.done <= this.perTurn;
  }
}
