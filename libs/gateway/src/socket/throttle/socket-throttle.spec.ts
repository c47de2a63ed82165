import { Counts } from '#observability';
import type { ProtocolError } from '#protocol';
import { SocketThrottle, type InTurn, type Throttled } from './socket-throttle.js';
import { SocketThrottles } from './socket-throttles.js';

const RATES = { requestsPerS: 0, bytesPerS: 0, acksPerS: 0 };
/** The bytes that may wait for each; a request weighs 512 more than its bytes. */
const SHARES = { connection: 10_000, user: 15_000, instance: 40_000 };
const REQUEST = 5_000;
const MINUTE_MS = 60_000;

let throttles: SocketThrottles;

class RecordingSocket implements Throttled {
  readonly address = '127.0.0.1';
  isPaused = false;
  pongsAssumed = 0;
  cutOffWith: ProtocolError | undefined;
  readonly throttle: SocketThrottle;

  constructor(readonly user: string) {
    this.throttle = new SocketThrottle(this, throttles);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  readonly transport = {
    bufferedBytes: 0,
    assumePong: (): void => void (this.pongsAssumed += 1),
    cutOff: (error: ProtocolError): void => void (this.cutOffWith = error),
  };

  /** Lets the network of the socket take all but so many bytes. */
  leaveUnsent(bytes: number): void {
    this.transport.bufferedBytes = bytes;
    this.throttle.onBehind();
  }
}

let nowMs: number;
const look = (afterMs: number): void => throttles.look((nowMs += afterMs));

beforeEach(() => {
  nowMs = performance.now();
  const limited = new Counts<string>();
  throttles = new SocketThrottles({
    perConnection: RATES,
    perUser: RATES,
    maxWaitingBytes: SHARES,
    limited,
    onFlood: () => undefined,
  });
});

describe('a connection', () => {
  it('is not read from while its requests weigh more than its share, until half of it is free', () => {
    const socket = new RecordingSocket('ann');
    const [first, second] = [socket.throttle.begin(REQUEST), socket.throttle.begin(REQUEST)];
    expect(socket.isPaused).toBe(true);
    socket.throttle.end(first);
    expect(socket.isPaused).toBe(true);
    socket.throttle.end(second);
    expect(socket.isPaused).toBe(false);
  });

  it('is not read from while its network takes nothing, nor taken for dead, and closed after 30 s', () => {
    const socket = new RecordingSocket('ann');
    socket.leaveUnsent(11_000);
    expect(socket.isPaused).toBe(true);
    look(20_000);
    expect(socket.cutOffWith).toBeUndefined();
    expect(socket.pongsAssumed).toBe(1);
    look(11_000);
    expect(socket.cutOffWith?.errorName).toBe('OVERLOADED');
    expect(throttles.loads.instance.bytes).toBe(0);
  });

  it('is read from again when its network has taken what was sent', () => {
    const socket = new RecordingSocket('ann');
    socket.leaveUnsent(11_000);
    socket.transport.bufferedBytes = 4_000;
    look(100);
    expect(socket.isPaused).toBe(false);
    look(MINUTE_MS);
    expect(socket.cutOffWith).toBeUndefined();
  });

  it('waits for the share of its user, which others of that user have used up', () => {
    const [one, two, three] = [new RecordingSocket('ann'), new RecordingSocket('ann'), new RecordingSocket('ann')];
    const other = new RecordingSocket('bob');
    const weight = one.throttle.begin(8_000);
    three.throttle.begin(3_900);
    two.throttle.begin(3_900);
    other.throttle.begin(8_000);
    expect([one, two, three, other].map(({ isPaused }) => isPaused)).toEqual([false, true, false, false]);
    one.throttle.end(weight);
    look(100);
    expect(two.isPaused).toBe(false);
  });

  it('that has closed leaves what it sent to count for its user until it is done', () => {
    const socket = new RecordingSocket('ann');
    const weight = socket.throttle.begin(REQUEST);
    socket.leaveUnsent(1_000);
    socket.throttle.leave();
    socket.throttle.leave();
    expect(throttles.loads.instance.bytes).toBe(weight);
    throttles.sweep(nowMs);
    expect(throttles.loads.size).toBe(1);
    socket.throttle.end(weight);
    throttles.sweep(nowMs);
    expect([throttles.loads.instance.bytes, throttles.loads.size]).toEqual([0, 0]);
  });
});

describe('an instance over its share', () => {
  it('refuses what is heavy, then everything', () => {
    const sockets = Array.from({ length: 5 }, (_, n) => new RecordingSocket(`user-${n}`));
    for (const { throttle } of sockets) throttle.begin(8_000);
    const [first] = sockets;
    expect(() => first?.throttle.assertRoom(4_097)).toThrow('too many bytes wait');
    expect(() => first?.throttle.assertRoom(4_096)).not.toThrow();
    sockets[1]?.throttle.begin(8_000);
    expect(() => first?.throttle.assertRoom(10)).toThrow('too many bytes wait');
  });

  it('closes the one whose network has taken nothing and that has most unsent, and no more than it must', () => {
    const sockets = Array.from({ length: 6 }, (_, n) => new RecordingSocket(`user-${n}`));
    sockets.forEach((socket, n) => socket.leaveUnsent(6_500 + n * 100));
    look(1_000);
    expect(sockets.filter(({ cutOffWith }) => cutOffWith)).toEqual([]);
    const last = sockets.at(-1);
    if (last) last.transport.bufferedBytes -= 50;
    look(1_500);
    look(50);
    expect(sockets.map(({ cutOffWith }) => cutOffWith?.errorName)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'OVERLOADED',
      undefined,
    ]);
  });
});

describe('a long answer', () => {
  const atOnce: InTurn = (work) => work();
  const answer = async (socket: RecordingSocket, made: string[]): Promise<void> =>
    socket.throttle.longAnswer(10_000, atOnce, async () => void made.push(socket.user));

  it('is made when the network has taken the others', async () => {
    const [socket, made] = [new RecordingSocket('ann'), [] as string[]];
    socket.transport.bufferedBytes = 70_000;
    const answered = answer(socket, made);
    look(50);
    await Promise.resolve();
    expect(made).toEqual([]);
    socket.transport.bufferedBytes = 100;
    look(50);
    await answered;
    expect(made).toEqual(['ann']);
  });

  it('is refused after 5 s, and at once when its connection closes', async () => {
    const [one, two] = [new RecordingSocket('ann'), new RecordingSocket('bob')];
    for (const { transport } of [one, two]) transport.bufferedBytes = 70_000;
    const outcomes = [one, two].map((socket) => answer(socket, []).catch((error: ProtocolError) => error.errorName));
    two.throttle.leave();
    look(6_000);
    expect(await Promise.all(outcomes)).toEqual(['OVERLOADED', 'UNAVAILABLE']);
    expect(await answer(two, []).catch((error: ProtocolError) => error.errorName)).toBe('UNAVAILABLE');
  });

  it('keeps no room from others while it waits for its turn', async () => {
    const [one, two, made] = [new RecordingSocket('ann'), new RecordingSocket('ann'), [] as string[]];
    let begin = (): void => undefined;
    const later: InTurn = async (work) => {
      await new Promise<void>((resolve) => (begin = resolve));
      return work();
    };
    const first = one.throttle.longAnswer(10_000, later, async () => void made.push('later'));
    await Promise.resolve();
    expect(throttles.loads.instance.bytes).toBe(0);
    await answer(two, made);
    await new Promise((resolve) => setImmediate(resolve));
    begin();
    await first;
    expect(made).toEqual(['ann', 'later']);
  });

  it('waits for room of its user, and gives it back', async () => {
    const [one, two, made] = [new RecordingSocket('ann'), new RecordingSocket('ann'), [] as string[]];
    let finish = (): void => undefined;
    const first = one.throttle.longAnswer(10_000, atOnce, () => new Promise<void>((resolve) => (finish = resolve)));
    const second = answer(two, made);
    look(50);
    await Promise.resolve();
    expect(made).toEqual([]);
    finish();
    await first;
    await new Promise((resolve) => setImmediate(resolve));
    look(50);
    await second;
    expect(made).toEqual(['ann']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(throttles.loads.instance.bytes).toBe(0);
  });
});
