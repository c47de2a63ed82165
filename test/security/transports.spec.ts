import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { io } from 'socket.io-client';
import { signToken } from '#auth';
import { JWT_SECRET } from '../support/server.js';
import { until } from '../support/until.js';
import { Stranger } from './attacker.js';
import { Target } from './target.js';

/** Longer than two bodies and what stands around them. */
const FRAME_MAX = 65_536 * 3;

let target: Target;

beforeAll(async () => {
  target = await Target.start({ METRICS: 'on', CORS_ORIGINS: 'https://app.example' });
});
afterAll(() => target?.end());

const token = signToken(JWT_SECRET, { user: 'mallory', grants: ['publish:user:mallory'], ttlMs: 600_000 });
const CONNECT = `40${JSON.stringify({ token })}`;
const isReady = ({ heard }: Stranger): boolean => heard.some((packet) => packet.startsWith('2["ready"'));

async function enter(): Promise<Stranger> {
  const stranger = await Stranger.come(target.server.url);
  stranger.sendFrame(CONNECT);
  await until('it is let in', () => isReady(stranger));
  return stranger;
}

async function transports(): Promise<number> {
  const text = await (await fetch(`${target.server.url}/metrics`)).text();
  return Number(/^trunkline_transports (\d+)$/m.exec(text)?.[1]);
}

describe('a client that leaves its namespace', () => {
  it.each([
    ['with its token', '41', CONNECT],
    ['with a bad token', '41', '40{"token":"forged"}'],
    ['without a token', '41', '40'],
    ['by its full name', '41/,', `40/,${JSON.stringify({ token })}`],
  ])('and enters again %s has to open another transport', async (_, leave, again) => {
    await target.survives(async () => {
      const stranger = await enter();
      stranger.sendFrame(leave);
      await delay(20);
      stranger.sendFrame(again);
      await until('its transport is closed', () => stranger.isHungUp);
    });
    await target.survives(async () => (await enter()).leave());
  });

  it('and is silent keeps no transport', async () => {
    await target.survives(async () => {
      const stranger = await enter();
      stranger.sendFrame('41');
      await until('its transport is closed', () => stranger.isHungUp, 2_000);
      await until('the server has one transport', async () => (await transports()) === 1);
    });
  });
});

async function askForUpgrade(path: string): Promise<Socket> {
  const socket = connect(Number(new URL(target.server.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  return socket;
}

async function answerToUpgrade(path: string): Promise<string> {
  let answer = '';
  for await (const chunk of await askForUpgrade(path)) answer += String(chunk);
  return answer;
}

it('a client that is let in and asks for another namespace is refused that, and stays', async () => {
  await target.survives(async () => {
    const stranger = await enter();
    stranger.sendFrame('40/chat,{}');
    await until('it is refused', () => stranger.heard.some((packet) => packet.startsWith('4/chat,')));
    expect(stranger.heard.find((packet) => packet.startsWith('4/chat,'))).toContain('"data":{"code":1012');
    expect(stranger.isHungUp).toBe(false);
    stranger.leave();
  });
});

/** Asks for an upgrade and is gone, some milliseconds later each time. */
async function upgradeAndReset(path: string): Promise<void> {
  for (let ms = 0; ms < 30; ms++) {
    const socket = await askForUpgrade(path);
    await delay(ms % 6);
    socket.resetAndDestroy();
  }
}

describe('an upgrade whose client resets its connection', () => {
  it.each([
    ['that leads nowhere', '/elsewhere'],
    ['that is refused', '/socket.io/?EIO=3&transport=websocket'],
    ['that is taken', '/socket.io/?EIO=4&transport=websocket'],
  ])('%s harms nobody', async (_, path) => {
    await target.survives(() => upgradeAndReset(path));
  });
});

describe('a client that can never connect', () => {
  const askFor = (query: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${target.server.url}/socket.io/?${query}`, { headers });
  const warnings = (what: string): string[] => target.server.lines.filter((line) => line.includes(`"msg":"${what}"`));

  it('because it begins with polling is told which transport there is, also in a browser', async () => {
    const origin = 'https://app.example';
    const response = await target.survives(() => askFor('EIO=4&transport=polling', { origin }));
    expect(response.status).toBe(400);
    expect(response.headers.get('access-control-allow-origin')).toBe(origin);
    const { error } = (await response.json()) as { error: { code: number; message: string } };
    expect(error).toMatchObject({ code: 1000, message: expect.stringContaining("transports: ['websocket']") });
  });

  it('because it speaks Socket.IO 2 is told before the upgrade', async () => {
    const answer = await target.survives(() => answerToUpgrade('/socket.io/?EIO=3&transport=websocket'));
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('speaks Socket.IO 4');
  });

  it('because its page is of another origin is told so, and hidden from that page', async () => {
    const response = await target.survives(() => askFor('EIO=4&transport=websocket', { origin: 'https://b.example' }));
    expect(response.status).toBe(403);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect(await response.json()).toMatchObject({ ok: false, error: { code: 3001, retryable: false } });
  });

  it('is named in the log once, however often it tries', async () => {
    const clients = Array.from({ length: 5 }, () => io(target.server.url, { forceNew: true, auth: { token } }));
    await target.survives(() => Promise.all(clients.map((client) => once(client as never, 'connect_error'))));
    for (const client of clients) client.close();
    expect(warnings('transport refused')).toHaveLength(1);
    expect(warnings('transport refused')[0]).toContain('no transport polling');
    expect(warnings('Socket.IO version refused')).toHaveLength(1);
    expect(warnings('origin refused')[0]).toContain('https://b.example');
  });
});

describe('a WebSocket', () => {
  it('that names the session of another one does not take its connection over', async () => {
    const stranger = await enter();
    const { sid } = JSON.parse((await Stranger.come(target.server.url)).heard[0] ?? '{}') as { sid?: string };
    for (const name of [sid ?? '', 'no-such-sid']) {
      const path = `/socket.io/?EIO=4&transport=websocket&sid=${name}`;
      const answer = await target.survives(() => answerToUpgrade(path));
      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
      expect(answer).toContain('"code":1000');
    }
    stranger.leave();
  });

  it('without its header Upgrade is told of the proxy that took it', async () => {
    const response = await target.survives(() => fetch(`${target.server.url}/socket.io/?EIO=4&transport=websocket`));
    expect([response.status, await response.json()]).toMatchObject([400, { error: { code: 1000 } }]);
  });
});

describe('a frame that is longer than the limit', () => {
  const padded = (bytes: number): string => `42["publish",{"data":"${'x'.repeat(bytes)}"}]`;

  it('closes the connection with the reason, and is logged', async () => {
    const stranger = await enter();
    const firstLine = target.server.lines.length;
    await target.survives(async () => {
      stranger.sendFrame(padded(FRAME_MAX));
      await until('it is hung up on', () => stranger.isHungUp);
    });
    const closing = stranger.heard.find((packet) => packet.startsWith('2["closing"'));
    expect(closing).toContain('"code":1003');
    expect(closing).toContain(`${FRAME_MAX} bytes`);
    expect(target.server.lines.slice(firstLine).join('\n')).toContain('"msg":"frame too long, closing"');
  });

  it('by less than that is answered like any body that is too long', async () => {
    const stranger = await enter();
    await target.survives(async () => {
      stranger.sendFrame(`421["publish",{"channel":"user:mallory","type":"t","data":"${'x'.repeat(70_000)}"}]`);
      await until('it is answered', () => stranger.heard.some((packet) => packet.startsWith('31[')));
    });
    expect(stranger.heard.find((packet) => packet.startsWith('31['))).toContain('"code":1003');
    stranger.leave();
  });
});

it('logout needs no argument', async () => {
  const user = 'mallory-leaves';
  const socket = io(target.server.url, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    auth: { token: signToken(JWT_SECRET, { user, grants: [], ttlMs: 60_000, sessionId: 'one' }) },
  });
  await once(socket as never, 'ready');
  expect(await socket.emitWithAck('logout')).toEqual({ ok: true });
  await until('its connection is closed', () => socket.disconnected);
});
