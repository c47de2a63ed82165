/** One cleanup job: bounded work that any instance may do, and that may be repeated. */
export interface Job {
  readonly name: string;
  /** Does a bounded part of the work. @returns how many rows or things it changed */
  runOnce(): Promise<number>;
}
