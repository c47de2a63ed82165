import type { Attack } from './attack.js';
import { ExperienceLedger } from './canary/experience-ledger.js';
import type { AttackRun } from './run-attack.js';
import { breaches, delays } from './verdict.js';

const MEGABYTE = 1_048_576;
const attack: Attack = { name: 'none', does: 'nothing', run: async () => undefined };

function lived(ms: number, change: (ledger: ExperienceLedger) => void = () => undefined): AttackRun['calm'] {
  const ledger = new ExperienceLedger();
  for (let n = 0; n < 100; n++) {
    ledger.answers.add(ms);
    ledger.deliveries.add(ms);
  }
  change(ledger);
  return ledger.experience;
}

function run(change: Partial<AttackRun> = {}): AttackRun {
  return {
    ...{ attack: attack.name, calm: lived(20), underAttack: lived(80), serverEnded: undefined, remains: {} },
    ...{ idleBytes: 100 * MEGABYTE, maxBytes: 400 * MEGABYTE, logBytes: 0 },
    attacker: { outcomes: {}, firstEndMs: null, seconds: 8 },
    ...change,
  };
}

describe('the verdict', () => {
  it('is good at the bounds', () => {
    expect([...breaches(attack, run()), ...delays(run({ underAttack: lived(100) }))]).toEqual([]);
  });

  it.each<[string, RegExp, Partial<AttackRun>]>([
    ['a server that ended', /the server ended: SIGABRT/, { serverEnded: 'SIGABRT' }],
    ['memory', /its memory grew by 301 MB/, { maxBytes: 401 * MEGABYTE }],
    [
      'a refusal',
      /1 refused under attack: publish: 4003/,
      { underAttack: lived(20, (it) => it.refuse('publish: 4003')) },
    ],
    ['a refusal in calm', /1 refused in calm/, { calm: lived(20, (it) => it.refuse('publish: 4003')) }],
    [
      'a lost connection',
      /1 connections of the canary lost/,
      { underAttack: lived(20, (it) => (it.connectionsLost = 1)) },
    ],
    [
      'a canary without an answer',
      /nothing of the canary was answered/,
      { underAttack: new ExperienceLedger().experience },
    ],
  ])('names %s', (_, what, change) => {
    expect(breaches(attack, run(change))).toEqual([expect.stringMatching(what)]);
  });

  it('names an attacker that was not ended in time', () => {
    const slow = { ...attack, endsWithinS: 2 };
    const attacker = (firstEndMs: number | null): AttackRun['attacker'] => ({ outcomes: {}, firstEndMs, seconds: 8 });
    expect(breaches(slow, run({ attacker: attacker(2_000) }))).toEqual([]);
    for (const firstEndMs of [null, 2_001])
      expect(breaches(slow, run({ attacker: attacker(firstEndMs) }))).toHaveLength(1);
  });

  it('names what was left behind beyond its bound, or was not counted', () => {
    const leaving = { ...attack, remains: [{ what: 'devices', sql: '', atMost: 50 }] };
    expect(breaches(leaving, run({ remains: { devices: 50 } }))).toEqual([]);
    expect(breaches(leaving, run({ remains: { devices: 51 } }))).toEqual(['51 devices, more than 50']);
    expect(breaches(leaving, run())).toHaveLength(1);
  });

  it('compares with calm, and never lets more than a quarter of a second pass', () => {
    expect(delays(run({ underAttack: lived(101) }))).toHaveLength(2);
    expect(delays(run({ calm: lived(100), underAttack: lived(251) }))).toHaveLength(2);
    expect(delays(run({ calm: lived(100), underAttack: lived(250) }))).toEqual([]);
  });
});
