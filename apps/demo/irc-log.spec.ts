import { readFileSync } from 'node:fs';
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { parseIrcLog, TEXT_MAX } from './irc-log.js';
import { decodeLog } from './log-bytes.js';

const eventsOf = (...lines: string[]): unknown[] => [...parseIrcLog(lines.join('\n')).events];

describe('parseIrcLog', () => {
  it('reads what is said, with its line number', () => {
    expect(eventsOf('[11:22] <frenkel> Linuturk: hi', '', '[11:22] <[V13]Axel> ')).toEqual([
      { kind: 'said', line: 1, nick: 'frenkel', text: 'Linuturk: hi', isAction: false },
      { kind: 'said', line: 3, nick: '[V13]Axel', text: '', isAction: false },
    ]);
  });

  it('does not take a space beside a nick for a part of it', () => {
    expect(eventsOf('[12:18] <zcat[1] > hm')).toMatchObject([{ nick: 'zcat[1]', text: 'hm' }]);
  });

  it('keeps what looks like markup in a text', () => {
    expect(eventsOf('[11:22] <a> <b>  === c [d] has joined #e ')).toMatchObject([
      { nick: 'a', text: '<b>  === c [d] has joined #e ' },
    ]);
  });

  it('reads actions', () => {
    expect(eventsOf('[11:19]  * meowbuntu is not a woman though')).toEqual([
      { kind: 'said', line: 1, nick: 'meowbuntu', text: 'is not a woman though', isAction: true },
    ]);
  });

  it('reads an action without a time only of a nick met elsewhere, since unknown system lines look alike', () => {
    const log = parseIrcLog('=== Fracture sighs\n[11:19] <Fracture> hm\n=== Netsplit over');
    expect(log.events).toMatchObject([{ line: 1, text: 'sighs', isAction: true }, { line: 2 }]);
    expect(log.ignoredLines).toBe(1);
  });

  it.each([
    ['=== DrNick [n=riviera@81-178.example]  has joined #ubuntu', { kind: 'joined', nick: 'DrNick' }],
    ['=== bob has joined #ubuntu', { kind: 'joined', nick: 'bob' }],
    ['=== sangria [n=jaime@core]  has left #ubuntu ["Leaving"] ', { kind: 'left', nick: 'sangria' }],
    ['=== raquel [i=raquel@58]  has left #ubuntu []', { kind: 'left', nick: 'raquel' }],
    ['=== e_ [~e@host] has quit [Ping timeout]', { kind: 'left', nick: 'e_' }],
    ['=== ompaul was kicked off #ubuntu by Seveas (Seveas)', { kind: 'left', nick: 'ompaul' }],
    ['=== RTB|Sleep is now known as Roger_The_Bum', { kind: 'renamed', nick: 'RTB|Sleep', to: 'Roger_The_Bum' }],
  ])('reads %s', (line, event) => {
    expect(eventsOf(line)).toEqual([{ line: 1, ...event }]);
  });

  it.each([
    '=== mode/#ubuntu [+o ompaul]  by ChanServ',
    '=== ..[topic/#ubuntu:Seveas] : Happy Dapper Day Everyone!',
    '=== nick [~u@h] turned into a pumpkin',
    '[11:22] nobody said this',
    '[11:22] <> nor this',
    '-ChanServ- welcome',
  ])('counts and skips %s', (line) => {
    expect(parseIrcLog(`[11:21] <nick> hi\n${line}`)).toMatchObject({ events: [{ line: 1 }], ignoredLines: 1 });
  });

  it('does not care how lines end, nor whether the last one does', () => {
    const lines = ['[11:22] <a> one', '=== a [h]  has left #ubuntu', '[11:23] <b> two'];
    expect(eventsOf(lines.join('\r\n'))).toEqual(eventsOf(...lines, ''));
  });

  it('cuts a text to what fits a message, in one piece', () => {
    const [event] = parseIrcLog(`[11:22] <a> ${'\u001f'.repeat(TEXT_MAX - 1)}${'😀'.repeat(TEXT_MAX)}`).events;
    const text = event?.kind === 'said' ? event.text : '';
    expect(text).toHaveLength(TEXT_MAX);
    expect(text.isWellFormed()).toBe(true);
    expect(Buffer.byteLength(JSON.stringify({ text }))).toBeLessThan(64_000);
  });

  it('never throws, and gives texts without NUL or lone surrogates, whatever the bytes', () => {
    const line = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom('[11:22] <a> ', '[11:22]  * b ', '=== a ', '=== a is now known as b', '=== b [h]  has joined #c'),
    );
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('', '\n', '\r\n'), (parts, glue) => {
        const bytes = Buffer.concat(parts.flatMap((part) => [Buffer.from(part), Buffer.from(glue)]));
        const texts = JSON.stringify(parseIrcLog(decodeLog(bytes)).events);
        expect(texts).not.toMatch(/\\u0000|\\ud[89a-f]/);
      }),
    );
  });

  it('understands all of the log that comes with the demo but its modes and topics', () => {
    const bytes = readFileSync('apps/demo/data/ubuntu-2006-06-01.txt');
    const { events, ignoredLines } = parseIrcLog(decodeLog(bytes));
    const modesAndTopics = bytes.toString().match(/^=== (mode\/|\.\.\[topic)/gm)?.length ?? 0;
    // The line left over is an action of Belutz, a nick that the log mentions nowhere else.
    expect(ignoredLines - modesAndTopics).toBe(1);
    expect(events.filter(({ kind }) => kind === 'joined')).toHaveLength(290);
    expect(events.filter(({ kind }) => kind === 'left')).toHaveLength(96);
    expect(events.filter(({ kind }) => kind === 'renamed')).toHaveLength(8);
  });
});

describe('decodeLog', () => {
  it('reads each line in its own encoding', () => {
    const bytes = Buffer.concat([Buffer.from('\uFEFFé\n'), Buffer.from([0xe9, 0x0a]), Buffer.from('a\0b')]);
    expect(decodeLog(bytes)).toBe('é\né\na\uFFFDb');
  });
});
