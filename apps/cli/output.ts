import { toJson } from '#protocol';

/** Prints the answers: as JSON for programs, as lines for people. */
export class Output {
  constructor(
    readonly isJson: boolean,
    private readonly write: (text: string) => void = (text) => void process.stdout.write(text),
  ) {}

  /** Prints the value as JSON in one line, or the words for it. */
  tell(value: unknown, words: () => readonly string[]): void {
    const lines = this.isJson ? [toJson(value)] : words().map(printable);
    if (lines.length > 0) this.write(`${lines.join('\n')}\n`);
  }
}

/**
 * Replaces what would let a line written by users steer a terminal, begin a line of its own, or reverse the reading
 * order.
 */
function printable(line: string): string {
  return line.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** Aligns the cells in columns, each as wide as its widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}
