import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/until.js';
import { Attacker } from './attacker.js';
import { Target } from './target.js';

const PING_INTERVAL_MS = 1_000;
const PING_TIMEOUT_MS = 1_000;

let target: Target;
let attacker: Attacker;
/** The answers, in the order in which they came: id and what follows it. */
let answers: [id: number, text: string][];

beforeAll(async () => {
  target = await Target.start({
    PING_INTERVAL_MS: String(PING_INTERVAL_MS),
    PING_TIMEOUT_MS: String(PING_TIMEOUT_MS),
  });
});
beforeEach(async () => {
  attacker = await Attacker.enter(target.server.url, []);
  answers = [];
  attacker.hear((packet) => {
    const [, id, text] = /^3(\d+)(.*)$/s.exec(packet) ?? [];
    if (id !== undefined && text !== undefined) answers.push([Number(id), text]);
  });
});
afterEach(() => attacker.leave());
afterAll(() => target?.end());

const ack = (id: number | string): string => `42${id}["ack",{}]`;
const DONE = '[{"ok":true}]';

/** An event with an attachment. */
const withAttachment = (id: number): string => `451-${id}["destroy",{"_placeholder":true,"num":0}]`;
const ATTACHMENT = Buffer.from([1, 2, 3]);

/** Events mostly go past the decoders of Engine.IO and Socket.IO; whatever is unusual goes through them. */
describe('a frame', () => {
  it.each([
    ['with the id 0', 0, '0'],
    ['with zeros before its id', 7, '007'],
    ['with an id of 15 digits', 999_999_999_999_999, '999999999999999'],
    ['with an id of 16 digits', 9_007_199_254_740_991, '9007199254740991'],
  ])('%s is answered to that id', async (_, id, digits) => {
    await target.survives(async () => {
      attacker.sendFrame(ack(digits));
      await heard(1);
    });
    expect(answers).toEqual([[id, DONE]]);
  });

  it('in fragments is answered as if it were whole', async () => {
    const [first, second] = [ack(1).slice(0, 3), ack(1).slice(3)];
    await target.survives(async () => {
      attacker.sendRaw(Buffer.concat([masked(0x01, first), masked(0x80, second)]));
      await heard(1);
    });
    expect(answers).toEqual([[1, DONE]]);
  });

  it('without anything behind its id is refused', async () => {
    await target.survives(async () => {
      attacker.sendFrame('42');
      attacker.sendFrame('421');
      await heard(1);
    });
    expect(answers.map(([id, text]) => [id, text.includes('"code":1001')])).toEqual([[1, true]]);
  });

  it.each([
    '42 [',
    '42[',
    '421["ack"',
    '421["ack",{}]]',
    '421["ack",{}]\0',
    '421[]',
    '421[["ack"]]',
    '42-1["ack",{}]',
    '42/,["ack",{}',
    '4',
    '49["ack",{}]',
    '7',
  ])('of %j ends the connection, and what stands behind it is not heard', async (frame) => {
    await target.survives(async () => {
      attacker.sendAtOnce([frame, ack(2)]);
      await attacker.isThrownOut();
    });
    expect(answers).toEqual([]);
  });

  it('of text that is no UTF-8 ends the connection', async () => {
    await target.survives(async () => {
      attacker.sendRaw(Buffer.from([0x81, 0x83, 0, 0, 0, 0, 0x34, 0x32, 0xff]));
      await attacker.isThrownOut();
    });
  });

  it('is taken in its turn, whichever way those before it went', async () => {
    const detoured = (id: number): string => ack(String(id).padStart(16, '0'));
    await target.survives(async () => {
      attacker.sendAtOnce([ack(1), detoured(2), ack(3), detoured(4), detoured(5), ack(6)]);
      await heard(6);
    });
    expect(answers).toEqual([1, 2, 3, 4, 5, 6].map((id) => [id, DONE]));
  });

  it('with an attachment is one request', async () => {
    await target.survives(async () => {
      attacker.sendAtOnce([ack(1), withAttachment(2), ATTACHMENT, ack(3)]);
      await heard(3);
    });
    expect(answers.map(([id, text]) => [id, text === DONE]).sort()).toEqual([
      [1, true],
      [2, false],
      [3, true],
    ]);
  });

  it('with an attachment is answered without it, and the next one is taken', async () => {
    await target.survives(async () => {
      attacker.sendAtOnce([withAttachment(1), ack(2)]);
      await heard(2);
    });
    expect(answers.map(([id, text]) => [id, text === DONE])).toEqual([
      [1, false],
      [2, true],
    ]);
  });

  it.each([
    ['points beyond its attachments', ['451-["x",{"_placeholder":true,"num":5}]', 'bAA==']],
    ['says that it has a billion attachments', ['45999999999-["x"]']],
    ['has attachments of no number', ['45x-1["ack",{}]']],
    ['belongs to another namespace', ['451-/admin,["x",{"_placeholder":true,"num":0}]', ATTACHMENT]],
    ['answers with attachments', ['461-1[{"_placeholder":true,"num":0}]', ATTACHMENT]],
    ['is an attachment of nothing', [ATTACHMENT]],
  ])('that %s is dropped, and its sender is served on', async (_, frames) => {
    await target.survives(async () => {
      attacker.sendAtOnce([...frames, ack(1)]);
      await heard(1);
    });
    expect(answers).toEqual([[1, DONE]]);
  });

  it('behind one that leaves is of no effect', async () => {
    await target.survives(async () => {
      attacker.sendAtOnce(['41', ack(1)]);
      await delay(100);
      attacker.sendFrame(ack(2));
      await attacker.isThrownOut();
    });
    expect(answers.filter(([, text]) => text === DONE)).toEqual([]);
  });

  it('is one sign of life after a ping, and no more is given to who never answers it', async () => {
    await target.survives(async () => {
      attacker.answerNoPings();
      await attacker.isPinged();
      await delay(PING_TIMEOUT_MS * 0.7);
      attacker.sendFrame(ack(1));
      await delay(PING_TIMEOUT_MS * 0.7);
      expect(attacker.socket.connected).toBe(true);
      attacker.sendFrame(ack(2));
      await attacker.isThrownOut();
    });
    expect(answers.map(([id]) => id)).toEqual([1, 2]);
  });
});

async function heard(count: number): Promise<void> {
  await until(`${count} answers`, () => answers.length >= count);
}

/** A frame as a client sends it, with a mask of zeros: its first byte, then the text. */
function masked(firstByte: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([firstByte, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}
