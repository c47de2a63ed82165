/** One event of the log that matters to a chat. `line` counts from 1 and names the event in every report. */
export type LogEvent = { readonly line: number; readonly nick: string } & (
  | { readonly kind: 'said'; readonly text: string; readonly isAction: boolean }
  | { readonly kind: 'joined' }
  | { readonly kind: 'left' }
  | { readonly kind: 'renamed'; readonly to: string }
);

export interface IrcLog {
  readonly events: readonly LogEvent[];
  /** Counts the lines that are neither empty nor understood: modes, topics and whatever else a log may hold. */
  readonly ignoredLines: number;
}

/**
 * The longest text, in UTF-16 units. At worst each unit becomes 6 bytes of JSON (`\u001f`), which keeps a body below
 * the 64 KiB limit.
 */
export const TEXT_MAX = 10_000;

const TIME = String.raw`\[\d{1,2}:\d{2}(?::\d{2})?\]`;
/** No network allows nicks of even half this length; the bound keeps display names far below the body limit. */
const NICK = String.raw`([^\s<>]{1,200})`;
/** Matches `[~user@host]`, which older logs print behind the nick. */
const HOST = String.raw`(?: +\[\S*\])?`;

const SAID = new RegExp(`^${TIME} +< *${NICK} *>(?: (.*))?$`, 's');
const ACTION = new RegExp(String.raw`^${TIME} +\* +${NICK}(?: (.*))?$`, 's');
const SYSTEM = new RegExp(`^(?:${TIME} *)?=== +(.*)$`, 's');
const JOINED = new RegExp(`^${NICK}${HOST} +has joined [#&]`);
const LEFT = new RegExp(`^${NICK}${HOST} +(?:has left [#&]|has quit(?: |$)|was kicked (?:off|from|by) )`);
const RENAMED = new RegExp(String.raw`^${NICK}${HOST} +is now known as ${NICK}\s*$`);
const UNTIMED_ACTION = new RegExp(`^${NICK} ([^[].*)$`, 's');

/** Reads the events of a log. It never throws: lines that it does not understand are counted. */
export function parseIrcLog(text: string): IrcLog {
  const lines = text.split(/\r?\n/).map((content, index) => ({ content, line: index + 1 }));
  const certain = lines.map(({ content, line }) => readLine(content, line));
  const nicks = new Set(certain.flatMap((event) => (event ? nicksOf(event) : [])));
  const events = lines.flatMap(({ content, line }, index) => {
    return certain[index] ?? readUntimedAction(content, line, nicks) ?? [];
  });
  const ignoredLines = lines.filter(({ content }) => content.trim() !== '').length - events.length;
  return { events, ignoredLines };
}

function nicksOf(event: LogEvent): string[] {
  return event.kind === 'renamed' ? [event.nick, event.to] : [event.nick];
}

function readLine(content: string, line: number): LogEvent | undefined {
  const said = SAID.exec(content);
  if (said) return spoken(line, said[1], said[2], false);
  const action = ACTION.exec(content);
  if (action) return spoken(line, action[1], action[2], true);
  const system = SYSTEM.exec(content)?.[1];
  return system === undefined ? undefined : readSystemLine(system, line);
}

function readSystemLine(content: string, line: number): LogEvent | undefined {
  const joined = JOINED.exec(content)?.[1];
  if (joined !== undefined) return { kind: 'joined', line, nick: joined };
  const left = LEFT.exec(content)?.[1];
  if (left !== undefined) return { kind: 'left', line, nick: left };
  const [, nick, to] = RENAMED.exec(content) ?? [];
  return nick !== undefined && to !== undefined ? { kind: 'renamed', line, nick, to } : undefined;
}

/**
 * Reads an action without a time. "=== nick sighs" looks like any unknown system line; only a nick that occurs
 * elsewhere shows that somebody did something.
 */
function readUntimedAction(content: string, line: number, nicks: ReadonlySet<string>): LogEvent | undefined {
  const [, nick, text] = UNTIMED_ACTION.exec(SYSTEM.exec(content)?.[1] ?? '') ?? [];
  return nick !== undefined && nicks.has(nick) ? spoken(line, nick, text, true) : undefined;
}

function spoken(line: number, nick: string | undefined, text = '', isAction: boolean): LogEvent | undefined {
  if (nick === undefined) return undefined;
  return { kind: 'said', line, nick, text: text.slice(0, TEXT_MAX).toWellFormed(), isAction };
}
