import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { WireError } from '#protocol';
import { Attacker } from '../security/attacker.js';
import { Target } from '../security/target.js';
import { Scrape } from '../support/scrape.js';
import { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';

/* These tests show what one client may send. The canary of the target is another user and must not notice. */

/** A bucket holds as much as may come in three seconds. */
const REQUESTS = 15;
const REQUESTS_OF_USER = 24;
const LIMITS = {
  METRICS: 'on',
  MAX_REQUESTS_PER_S: '5',
  MAX_REQUESTS_PER_S_PER_USER: '8',
  MAX_BYTES_PER_S: '20000',
  MAX_BYTES_PER_S_PER_USER: '100000',
  MAX_ACKS_PER_S: '10',
  MAX_ACKS_PER_S_PER_USER: '1000',
};

let target: Target;
let attackers: { close(): void }[] = [];

beforeAll(async () => {
  target = await Target.start(LIMITS);
});
afterEach(() => {
  for (const attacker of attackers) attacker.close();
  attackers = [];
});
afterAll(() => target?.end());

async function enter(user: string): Promise<Attacker> {
  const attacker = await Attacker.enter(target.server.url, ['publish:*'], {}, user);
  attackers.push({ close: () => attacker.leave() });
  return attacker;
}

/** Collects the errors of the answers by the ids of the requests; the error is undefined if the request succeeded. */
function answersTo(attacker: Attacker): Map<number, WireError | undefined> {
  const answers = new Map<number, WireError | undefined>();
  attacker.hear((packet) => {
    const [, id, json] = /^3(\d+)(\[.*)$/s.exec(packet) ?? [];
    if (id === undefined || json === undefined) return;
    const [{ error }] = JSON.parse(json) as [{ error?: WireError }];
    answers.set(Number(id), error);
  });
  return answers;
}

const numbers = (count: number, from = 1): number[] => Array.from({ length: count }, (_, n) => from + n);
const isLimited = (error: WireError | undefined): boolean => error?.code === 4010 && (error.retryAfterMs ?? 0) > 0;
const limited = async ({ server }: Target, limit: string): Promise<number> =>
  (await Scrape.of(`${server.url}/metrics`)).value(`trunkline_limited_total{limit="${limit}"}`) ?? 0;

async function isClosedWith(attacker: Attacker, closing: Promise<unknown>): Promise<WireError> {
  const [error] = (await closing) as [WireError];
  expect(await attacker.isThrownOut()).toBe(true);
  return error;
}

describe('one who sends more requests than it may', () => {
  it('is answered so, unread, and not read from for a moment, while its acks pass; later it is served again', async () => {
    await target.survives(async () => {
      const mallory = await enter('fast');
      const answers = answersTo(mallory);
      const events = numbers(REQUESTS + 4).map((id) => `42${id}["nonsense"]`);
      // One too many is no JSON: that would end the connection if anybody looked.
      events[REQUESTS] = `42${REQUESTS + 1}["nonsense",{`;
      mallory.sendAtOnce([...events, '4299["ack",{}]']);
      await until('all are answered', () => answers.size === REQUESTS + 5);
      const refused = [...answers].filter(([, error]) => isLimited(error)).map(([id]) => id);
      expect(Math.min(...refused)).toBe(REQUESTS + 1);
      // While it was not read from, it might send some of them.
      expect(refused.length).toBeLessThan(4);
      expect(answers.get(99)).toBeUndefined();
      await until('it is served', async () => (await mallory.send('nonsense')).error?.code === 1001);
    });
    expect(await limited(target, 'requests')).toBeGreaterThan(0);
  });

  it('on several connections shares what its user may', async () => {
    await target.survives(async () => {
      const [one, two] = [await enter('twice'), await enter('twice')];
      const [first, second] = [answersTo(one), answersTo(two)];
      one.sendAtOnce(numbers(REQUESTS).map((id) => `42${id}["nonsense"]`));
      two.sendAtOnce(numbers(REQUESTS).map((id) => `42${id}["nonsense"]`));
      await until('all are answered', () => first.size + second.size === 2 * REQUESTS);
      const taken = [...first.values(), ...second.values()].filter((error) => error?.code === 1001);
      expect(taken.length).toBeGreaterThanOrEqual(REQUESTS_OF_USER);
      expect(taken.length).toBeLessThan(2 * REQUESTS);
    });
  });

  it('and goes on is closed and told when to come back', async () => {
    await target.survives(async () => {
      const mallory = await enter('stubborn');
      const closing = once(mallory.socket as never, 'closing');
      mallory.sendAtOnce(numbers(400).map((id) => `42${id}["nonsense"]`));
      expect(isLimited(await isClosedWith(mallory, closing))).toBe(true);
    });
  });

  it.each<[string, (attacker: Attacker) => void]>([
    ['events without an id', (attacker) => attacker.sendAtOnce(Array<string>(500).fill('42["nonsense"]'))],
    [
      'events of the main namespace by its name',
      (attacker) => attacker.sendAtOnce(Array<string>(500).fill('42/,["x"]')),
    ],
    ['pongs that nobody asked for', (attacker) => attacker.sendAtOnce(Array<string>(500).fill('3'))],
    ['acknowledgements that nobody asked for', (attacker) => attacker.sendAtOnce(Array<string>(500).fill('431[]'))],
    [
      'attachments',
      (attacker) =>
        attacker.sendAtOnce(
          Array(300)
            .fill(['451-["x",{"_placeholder":true,"num":0}]', Buffer.from('x')])
            .flat(),
        ),
    ],
    [
      'pings of its WebSocket',
      (attacker) => attacker.sendRaw(Buffer.concat(Array<Buffer>(500).fill(Buffer.from([0x89, 0x80, 0, 0, 0, 0])))),
    ],
    [
      'pongs of its WebSocket',
      (attacker) => attacker.sendRaw(Buffer.concat(Array<Buffer>(500).fill(Buffer.from([0x8a, 0x80, 0, 0, 0, 0])))),
    ],
    ['requests for other namespaces', (attacker) => attacker.sendAtOnce(Array<string>(500).fill('40/x,'))],
    ['acks', (attacker) => attacker.sendAtOnce(Array<string>(500).fill('42["ack",{}]'))],
  ])('as %s is closed', async (_, flood) => {
    await target.survives(async () => {
      const mallory = await enter(`flood-${String(_).length}`);
      flood(mallory);
      expect(await mallory.isThrownOut()).toBe(true);
    });
  });
});

it('one who sends more bytes than it may is refused those, and only those', async () => {
  await target.survives(async () => {
    const mallory = await enter('heavy');
    const answers = answersTo(mallory);
    const long = `["nonsense","${'x'.repeat(60_000)}"]`;
    mallory.sendAtOnce(numbers(4).map((id) => `42${id}${long}`));
    await until('all are answered', () => answers.size === 4);
    expect(numbers(4).map((id) => answers.get(id)?.code)).toEqual([1001, 4010, 4010, 4010]);
    await until('it is served again', async () => (await mallory.send('nonsense')).error?.code === 1001);
  });
});

describe('a chat client', () => {
  it('sends sixty messages at once', async () => {
    const server = await Target.start();
    try {
      const ann = await TestClient.connect(server.server.url, { user: 'ann' });
      const message = { channel: 'user:ann', type: 'chat', data: 'hello' };
      await Promise.all(numbers(60).map(() => ann.must('publish', message)));
      ann.close();
    } finally {
      await server.end();
    }
  });
});

describe('what waits', () => {
  it('keeps a connection from being read beyond its share, and from nothing else, until it is answered', async () => {
    const small = await Target.start({
      METRICS: 'on',
      MAX_WAITING_BYTES: '100000',
      PING_INTERVAL_MS: '1000',
      PING_TIMEOUT_MS: '1000',
    });
    const blocker = new Client({ connectionString: small.database.url });
    await blocker.connect();
    const mallory = await Attacker.enter(small.server.url, ['publish:*'], {}, 'patient');
    try {
      const answers = answersTo(mallory);
      await blocker.query('begin; lock table trunkline.channels in exclusive mode');
      const body = `{"channel":"user:patient","type":"t","data":"${'x'.repeat(10_000)}"}`;
      for (const id of numbers(200)) mallory.sendFrame(`42${id}["publish",${body}]`);
      await until('it is paused', async () => (await limited(small, 'waiting-bytes')) > 0);
      // This is twice as long as the server waits for a client that answers no ping.
      await delay(4_000);
      expect(answers.size).toBe(0);
      await blocker.query('rollback');
      await until('all are answered', () => answers.size === 200);
      expect(mallory.socket.connected).toBe(true);
      expect(answers.get(200)).toBeUndefined();
    } finally {
      mallory.leave();
      await blocker.end();
      await small.end();
    }
  });
});
