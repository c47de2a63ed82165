import { parseArgs } from 'node:util';
import { SABOTAGES } from './control/sabotage.js';
import { FAULTS } from './faults/catalog.js';
import { faultNamed } from './faults/plan.js';

export interface ChaosOptions {
  /** The time under load and faults; starting and draining come on top. */
  readonly seconds: number;
  readonly seed: number;
  /** The names of the faults to do; undefined for all. */
  readonly faults: readonly string[] | undefined;
  readonly json: boolean;
  /** The file that keeps the history. */
  readonly history: string | undefined;
  /** The file that keeps what the instances log. */
  readonly logs: string | undefined;
  /** The publishes tried in a second. */
  readonly rate: number;
  readonly instances: number;
  /** The negative control: what is broken on purpose. */
  readonly sabotage: string | undefined;
}

export const USAGE = `npm run chaos -- [--seconds 60] [--seed N] [--faults a,b] [--json] [--history FILE] [--logs FILE]
                 [--rate 150] [--instances 3] [--sabotage NAME]

  --seconds N      under load and faults; starting and draining come on top (60)
  --seed N         repeats the choices of an earlier run, which printed it
  --faults a,b     only these
  --json           print the result as one JSON object on the last line
  --history FILE   keep the history, one JSON object a line
  --logs FILE      keep what the instances log
  --rate N         publishes tried a second (150)
  --instances N    server processes, 2 to 8 (3)
  --sabotage NAME  break something on purpose: the verdict must be red
                   ${Object.keys(SABOTAGES).join(', ')}

Faults:
${FAULTS.map(({ name, does }) => `  ${name.padEnd(20)} ${does}`).join('\n')}`;

export function readOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      faults: { type: 'string' },
      json: { type: 'boolean', default: false },
      history: { type: 'string' },
      logs: { type: 'string' },
      rate: { type: 'string', default: '150' },
      instances: { type: 'string', default: '3' },
      sabotage: { type: 'string' },
    },
  });
  const faults = values.faults?.split(',').filter((name) => name !== '');
  for (const name of faults ?? []) faultNamed(name);
  return {
    faults,
    json: values.json,
    history: values.history,
    logs: values.logs,
    sabotage: values.sabotage,
    seconds: wholeNumber('--seconds', values.seconds, 5, 86_400),
    seed: wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1),
    rate: wholeNumber('--rate', values.rate, 1, 10_000),
    instances: wholeNumber('--instances', values.instances, 2, 8),
  };
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max))
    throw new Error(`${name}: "${text}" is not a whole number from ${min} to ${max}`);
  return value;
}
