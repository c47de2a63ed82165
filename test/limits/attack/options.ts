import { parseArgs } from 'node:util';
import type { Attack } from './attack.js';
import { attackNamed, ATTACKS } from './catalog.js';

export interface AttackOptions {
  readonly attacks: readonly Attack[];
  readonly seconds: number;
  readonly seed: number;
  readonly json: boolean;
}

export const USAGE = `npm run attack -- [--kind a,b] [--seconds 8] [--seed N] [--json]

  --kind a,b     only these
  --seconds N    of calm, and then of each attack; some last longer, to show when they are ended (8)
  --seed N       repeats the choices of an earlier run, which printed it
  --json         print what was measured as one JSON object on the last line

Attacks:
${ATTACKS.map(({ name, does }) => `  ${name.padEnd(22)} ${does}`).join('\n')}`;

export function readOptions(args: readonly string[]): AttackOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kind: { type: 'string' },
      seconds: { type: 'string', default: '8' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      json: { type: 'boolean', default: false },
    },
  });
  const names = values.kind?.split(',').filter((name) => name !== '');
  return {
    attacks: names ? names.map(attackNamed) : ATTACKS,
    seconds: wholeNumber('--seconds', values.seconds, 1, 600),
    seed: wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1),
    json: values.json,
  };
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max))
    throw new Error(`${name}: "${text}" is not a whole number from ${min} to ${max}`);
  return value;
}
