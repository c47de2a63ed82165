import { once } from 'node:events';
import { io } from 'socket.io-client';
import { signToken } from '#auth';
import type { WireError } from '#protocol';
import { Stranger } from '../security/attacker.js';
import { Target } from '../security/target.js';
import { JWT_SECRET } from '../support/server.js';
import { Scrape } from '../support/scrape.js';
import { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';
import { RawUpgrade } from './raw-upgrade.js';

/* These tests are about what may be done before a client is let in. */

const CONNECT_TIMEOUT_MS = 3_000;
const MAX_HALF_OPEN = 20;
const PLACES = 5;
/** Another address of this machine. */
const ELSEWHERE = '127.0.0.2';

let target: Target;
let upgrades: { close(): void }[] = [];

beforeAll(async () => {
  target = await Target.start({
    METRICS: 'on',
    LOG_LEVEL: 'info',
    MAX_CONNECTIONS: String(PLACES),
    MAX_HALF_OPEN: String(MAX_HALF_OPEN),
    CONNECT_TIMEOUT_MS: String(CONNECT_TIMEOUT_MS),
    MAX_REFUSED_TOKENS_PER_S_PER_ADDRESS: '2',
    MAX_HANDSHAKES_PER_S_PER_ADDRESS: '50',
  });
});
afterEach(() => {
  for (const upgrade of upgrades) upgrade.close();
  upgrades = [];
});
afterAll(() => target?.end());

const token = signToken(JWT_SECRET, { user: 'mallory', ttlMs: 600_000 });
const CONNECT = `40${JSON.stringify({ token })}`;

const limited = async (limit: string): Promise<number> =>
  (await Scrape.of(`${target.server.url}/metrics`)).value(`trunkline_limited_total{limit="${limit}"}`) ?? 0;

async function come(): Promise<Stranger> {
  const stranger = await Stranger.come(target.server.url);
  upgrades.push({ close: () => stranger.leave() });
  return stranger;
}

async function upgradeFrom(address: string): Promise<RawUpgrade> {
  const upgrade = await RawUpgrade.from(address, target.server.url);
  upgrades.push(upgrade);
  return upgrade;
}

function refusals({ heard }: Stranger): number {
  return heard.filter((packet) => packet.startsWith('4')).length;
}

describe('before it is let in, a client that', () => {
  it.each<[string, (string | Buffer)[]]>([
    ['sends an event', ['42["publish",{}]']],
    ['sends an event with an attachment', ['451-["x",{"_placeholder":true,"num":0}]', Buffer.from('x')]],
    ['sends binary', [Buffer.from('x')]],
    ['leaves', ['41']],
    ['says CONNECT at great length', [`40{"token":"x","resume":{${'"group:a":1,'.repeat(15_000)}"group:b":1}}`]],
    ['sends pongs without end', Array<string>(20).fill('3')],
    ['sends nothing that means anything', ['9zzz']],
  ])('%s is closed', async (_, frames) => {
    await target.survives(async () => {
      const stranger = await come();
      stranger.sendAtOnce(frames);
      await until('it is hung up on', () => stranger.isHungUp, CONNECT_TIMEOUT_MS - 1_000);
    });
  });

  it('shows a wrong token is told of that alone, whatever else it sends', async () => {
    await target.survives(async () => {
      const stranger = await come();
      const resume = Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`g${n}`, -1]));
      stranger.sendFrame(`40${JSON.stringify({ token: 'x', resume, nonsense: 1 })}`);
      await until('it is refused', () => refusals(stranger) === 1);
      expect(stranger.heard.at(-1)).toContain('"code":2002');
    });
  });

  it('has more positions than a device may is hung up on before they are parsed', async () => {
    await target.survives(async () => {
      const stranger = await come();
      const resume = Object.fromEntries(Array.from({ length: 1_300 }, (_, n) => [`g${n}`, 1]));
      stranger.sendFrame(`40${JSON.stringify({ token: 'x', resume })}`);
      await until('it is hung up on', () => stranger.isHungUp, CONNECT_TIMEOUT_MS - 1_000);
      expect(refusals(stranger)).toBe(0);
    });
  });

  it.each([
    ['tokens', '40{"token":"x"}'],
    ['tokens, one of them nothing', '40'],
    ['namespaces', '40/nowhere,{}'],
  ])('is refused three %s is closed', async (_, frame) => {
    await target.survives(async () => {
      const stranger = await come();
      stranger.sendAtOnce(Array<string>(10).fill(frame));
      await until('it is hung up on', () => stranger.isHungUp, CONNECT_TIMEOUT_MS - 1_000);
      expect(refusals(stranger)).toBe(3);
    });
  });

  it('falls silent is closed in the end', async () => {
    await target.survives(async () => {
      const before = await limited('half-open');
      const silent = await Promise.all(Array.from({ length: 3 }, () => upgradeFrom(ELSEWHERE)));
      await until('they are closed', () => silent.every(({ isClosed }) => isClosed));
      expect((await limited('half-open')) - before).toBe(3);
    });
  });
});

it('a client that is let in is closed, too, after three namespaces that there are not', async () => {
  await target.survives(async () => {
    const stranger = await come();
    stranger.sendFrame(CONNECT);
    await until('it is let in', () => stranger.heard.some((packet) => packet.startsWith('2["ready"')));
    for (let n = 1; n <= 3; n++) stranger.sendFrame(`40/nowhere-${n},`);
    await until('it is hung up on', () => stranger.isHungUp);
  });
});

it('an address that opens WebSockets and falls silent keeps nobody else out', async () => {
  await target.survives(async () => {
    const silent = await Promise.all(Array.from({ length: MAX_HALF_OPEN * 3 }, () => upgradeFrom(ELSEWHERE)));
    await until('each has its answer', () => silent.every(({ status }) => status !== undefined));
    expect(silent.filter(({ status }) => status === 101)).toHaveLength(MAX_HALF_OPEN);
    const client = await TestClient.connect(target.server.url, { user: 'honest' });
    client.close();
    const [first] = silent;
    await until('the oldest has given way', () => first?.isClosed);
  });
});

it('an address that is full of silent ones lets an honest client of its own in as soon as they are not new', async () => {
  await target.survives(async () => {
    const silent = await Promise.all(Array.from({ length: MAX_HALF_OPEN }, () => upgradeFrom('127.0.0.1')));
    await until('all are open', () => silent.every(({ status }) => status === 101));
    const socket = io(target.server.url, { transports: ['websocket'], forceNew: true, auth: { token } });
    upgrades.push({ close: () => socket.close() });
    await once(socket as never, 'ready');
  });
});

it('an address that shows wrong tokens is told to come back later, while a right one is let in', async () => {
  await target.survives(async () => {
    const wrong = await Promise.all(Array.from({ length: 40 }, () => refusalOf('wrong')));
    const codes = wrong.map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set([2002, 4010]));
    expect(codes.filter((code) => code === 2002).length).toBeLessThanOrEqual(30);
    const late = wrong.find(({ code }) => code === 4010);
    expect(late?.retryAfterMs).toBeGreaterThan(0);
    (await TestClient.connect(target.server.url, { user: 'honest' })).close();
  });
  expect(await limited('refused-tokens')).toBeGreaterThanOrEqual(10);
});

async function refusalOf(wrong: string): Promise<WireError> {
  const socket = io(target.server.url, { transports: ['websocket'], forceNew: true, auth: { token: wrong } });
  upgrades.push({ close: () => socket.close() });
  return new Promise((resolve) => {
    socket.on('connect_error', (error: Error & { data?: WireError }) => error.data && resolve(error.data));
    socket.on('closing', resolve);
  });
}

it('refusals are logged at a bounded rate, with how many were left out', async () => {
  const firstLine = target.server.lines.length;
  const lines = (): string[] =>
    target.server.lines.slice(firstLine).filter((line) => line.includes('"msg":"handshake refused"'));
  const written = (): number => lines().length;
  const leftOut = (): number => {
    // The count in the first line is that of refusals left out before it.
    const counts = lines()
      .slice(1)
      .map((line) => (JSON.parse(line) as { suppressed?: number }).suppressed ?? 0);
    return counts.reduce((sum, count) => sum + count, 0);
  };
  await target.survives(async () => {
    for (let n = 0; n < 5; n++) {
      const strangers = await Promise.all(Array.from({ length: 10 }, () => come()));
      for (const stranger of strangers) stranger.sendAtOnce(Array<string>(3).fill('40/nowhere,{}'));
      await until('all are hung up on', () => strangers.every(({ isHungUp }) => isHungUp));
    }
    await until('all are counted', async () => {
      const stranger = await come();
      stranger.sendFrame('40/nowhere,{}');
      await until('it is refused', () => refusals(stranger) === 1);
      stranger.leave();
      return written() + leftOut() >= 150;
    });
  });
  expect(written()).toBeLessThan(150);
});

it('an address that connects without end is refused in HTTP, and told when to come back', async () => {
  await target.survives(async () => {
    const answers: RawUpgrade[] = [];
    await until('one is refused', async () => {
      const some = await Promise.all(Array.from({ length: 100 }, () => upgradeFrom('127.0.0.3')));
      await until('each has its answer', () => some.every(({ status }) => status !== undefined));
      for (const upgrade of some) upgrade.close();
      answers.push(...some);
      return answers.some(({ status }) => status === 429);
    });
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.heard).toMatch(/\r\nRetry-After: \d+\r\n/);
    expect(refused?.heard).toContain('"code":4010');
    (await TestClient.connect(target.server.url, { user: 'honest' })).close();
  });
});
