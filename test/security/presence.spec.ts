import { Attacker } from './attacker.js';
import { Target } from './target.js';

/** A group that mallory may see by its grant; it is a member of none. */
const LAB = 'group:lab';
const GRANTS = ['presence:group:lab*'];
const MAX_WATCHES = 3;

let target: Target;
let attacker: Attacker;

beforeAll(async () => {
  target = await Target.start({ MAX_WATCHES: String(MAX_WATCHES) });
});
beforeEach(async () => {
  attacker = await Attacker.enter(target.server.url, GRANTS);
});
afterEach(() => attacker.leave());
afterAll(() => target?.end());

describe('presence', () => {
  const requests = ['presence', 'watch'];
  it.each<[number, string, unknown]>([
    [3001, 'of somebody it shares no group with', { channel: 'user:canary' }],
    [3001, 'of a group it is no member of', { channel: 'group:closed' }],
    [3001, 'of somebody nobody knows', { channel: 'user:nobody' }],
    [1002, 'of broadcast', { channel: 'broadcast' }],
    [1002, 'of a pattern', { channel: 'user:*' }],
    [1002, 'of everybody', { channel: 'user:' }],
    [1002, 'of SQL', { channel: `user:' or 1=1 --` }],
    [1002, 'of __proto__', { channel: '__proto__' }],
    [1000, 'of many', { channel: ['user:mallory', 'user:canary'] }],
    [1000, 'of nobody', {}],
    [1000, 'of null', null],
    [1008, 'as somebody else', { channel: 'user:mallory', user: 'canary' }],
  ])('answers %i: %s', async (code, _, payload) => {
    for (const request of [...requests, ...(code === 3001 ? [] : ['unwatch'])]) {
      expect(await target.survives(() => attacker.send(request, payload))).toMatchObject(refusal(code));
    }
  });

  it('answers 1016 to one watch too many, and goes on with those it had', async () => {
    await target.survives(async () => {
      for (let i = 0; i < MAX_WATCHES; i++) {
        expect(await attacker.send('watch', { channel: `group:lab-${i}` })).toMatchObject({ ok: true });
      }
      expect(await attacker.send('watch', { channel: LAB })).toMatchObject(refusal(1016));
      expect(await attacker.send('watch', { channel: 'group:lab-0' })).toMatchObject({ ok: true });
      expect(await attacker.send('unwatch', { channel: 'group:never-watched' })).toMatchObject({ ok: true });
      expect(await attacker.send('unwatch', { channel: 'group:lab-0' })).toMatchObject({ ok: true });
      expect(await attacker.send('watch', { channel: LAB })).toMatchObject({ ok: true });
    });
  });

  it('asked for as often at once as the limits allow is answered each time', async () => {
    const answers = await target.survives(() =>
      Promise.all(Array.from({ length: 500 }, (_, i) => attacker.send(requests[i % 2] ?? '', { channel: LAB }))),
    );
    expect(answers.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('watched and left in the same moment leaves no watch behind', async () => {
    await target.survives(async () => {
      for (let i = 0; i < 20; i++) attacker.socket.emit('watch', { channel: `group:lab-${i}` });
      attacker.leave();
      attacker = await Attacker.enter(target.server.url, GRANTS);
    });
  });
});

function refusal(code: number): object {
  return { ok: false, error: { code, message: expect.any(String), retryable: false } };
}
