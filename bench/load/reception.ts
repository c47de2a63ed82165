/** Compares what a receiver got of one stream with what it should get: 1, 2, 3 … */
export class Reception {
  received = 0;
  duplicated = 0;
  disordered = 0;
  private last = 0;
  private readonly missing = new Set<number>();

  /**
   * Notes a received number.
   * @returns false if it had been received before
   */
  take(n: number): boolean {
    if (n === this.last + 1) {
      this.last = n;
    } else if (n > this.last) {
      for (let hole = this.last + 1; hole < n; hole++) this.missing.add(hole);
      this.last = n;
    } else if (this.missing.delete(n)) {
      this.disordered += 1;
    } else {
      this.duplicated += 1;
      return false;
    }
    this.received += 1;
    return true;
  }

  /** Counts the missing numbers up to `sent`, without those whose publish was refused. */
  lost(sent: number, refused: readonly number[]): number {
    const excused = refused.filter((n) => n > this.last || this.missing.has(n)).length;
    return this.missing.size + Math.max(0, sent - this.last) - excused;
  }
}
