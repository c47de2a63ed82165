import { toJson } from '#protocol';

/** Where the answers go: JSON for programs, lines for people. */
export class Output {
  constructor(
    readonly isJson: boolean,
    private readonly write: (text: string) => void = (text) => void process.stdout.write(text),
  ) {}

  /** One JSON value in one line, or what it says in words. */
  tell(value: unknown, words: () => readonly string[]): void {
    const lines = this.isJson ? [toJson(value)] : words().map(printable);
    if (lines.length > 0) this.write(`${lines.join('\n')}\n`);
  }
}

/** A line that users wrote must not steer a terminal, begin a line of its own, or turn the order of what is read. */
function printable(line: string): string {
  return line.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** Columns as wide as what stands in them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, place) => Math.max(title.length, ...rows.map((row) => row[place]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, place) => cell.padEnd(widths[place] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}
