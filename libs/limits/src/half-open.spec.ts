import { HalfOpenTransports, type HalfOpenTransport } from './half-open.js';

const SECOND = 1_000;

let ended: string[];
let transports: HalfOpenTransports;

beforeEach(() => {
  ended = [];
  transports = new HalfOpenTransports({ max: 4, timeoutMs: 10 * SECOND, onEnded: () => undefined });
});

function open(name: string, nowMs: number): HalfOpenTransport | undefined {
  const [address = ''] = name.split('-');
  return transports.open(address, nowMs, () => ended.push(name));
}

describe('HalfOpenTransports', () => {
  it('ends those that have shown no token in time', () => {
    open('a-1', 0);
    open('a-2', 5 * SECOND);
    transports.sweep(10 * SECOND - 1);
    expect(ended).toEqual([]);
    transports.sweep(10 * SECOND);
    expect([ended, transports.size]).toEqual([['a-1'], 1]);
  });

  it('takes from the address with most strangers, not from one whose clients with a good token wait for us', () => {
    for (const name of ['proxy-1', 'proxy-2']) {
      const accepted = open(name, 0);
      if (accepted) accepted.hasGoodToken = true;
    }
    for (const name of ['silent-1', 'silent-2']) open(name, 0);
    open('honest-1', SECOND);
    expect(ended).toEqual(['silent-1']);
  });

  it('ends none that has shown a good token, and waits for us', () => {
    const accepted = open('a-1', 0);
    if (accepted) accepted.hasGoodToken = true;
    transports.sweep(20 * SECOND);
    expect([ended, transports.size]).toEqual([[], 1]);
  });

  it('gives the place of the oldest of the address with most of them to another address', () => {
    for (const name of ['b-1', 'a-1', 'a-2', 'a-3']) open(name, 0);
    expect(open('c-1', 1)).toBeDefined();
    expect([ended, transports.size]).toEqual([['a-1'], 4]);
  });

  it('lets an address take its own place only where that is not new: a storm of honest clients ends none of its own', () => {
    for (const name of ['a-1', 'a-2', 'a-3', 'a-4']) open(name, 0);
    expect(open('a-5', SECOND - 1)).toBeUndefined();
    expect(ended).toEqual([]);
    expect(open('a-5', SECOND)).toBeDefined();
    expect(ended).toEqual(['a-1']);
  });

  it('has room again when one is let in or closes, once however often that is said', () => {
    const [first] = ['a-1', 'a-2', 'a-3', 'a-4'].map((name) => open(name, 0));
    if (first) for (let time = 0; time < 2; time++) transports.forget(first);
    expect(transports.size).toBe(3);
    expect(open('b-1', 0)).toBeDefined();
    expect(ended).toEqual([]);
  });
});
