/** What a client wrote, short enough for a log line. */
export function cut(text: unknown, length = 200): string {
  const string = String(text);
  return string.length > length ? `${string.slice(0, length)}…` : string;
}
