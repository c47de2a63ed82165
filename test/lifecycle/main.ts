import { parseArgs } from 'node:util';
import { LIFECYCLE_SCENARIOS } from './catalog.js';
import { holds, type Figure } from './lifecycle-scenario.js';

const USAGE = `npm run lifecycle -- --show NAME [--clients N] [--seconds N]

${LIFECYCLE_SCENARIOS.map(({ name, does }) => `  ${name.padEnd(10)} ${does}`).join('\n')}`;

async function main(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      show: { type: 'string' },
      clients: { type: 'string' },
      seconds: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return true;
  }
  const scenario = LIFECYCLE_SCENARIOS.find(({ name }) => name === values.show);
  if (!scenario) throw new Error(USAGE);
  const startedAt = performance.now();
  const note = (text: string): void => {
    const seconds = (performance.now() - startedAt) / 1_000;
    process.stderr.write(`${seconds.toFixed(1).padStart(6)} s  ${text}\n`);
  };
  note(scenario.does);
  const figures = await scenario.run({ clients: numberOf(values.clients), seconds: numberOf(values.seconds), note });
  process.stdout.write(`${figures.map(lineOf).join('\n')}\n`);
  return figures.every(holds);
}

function lineOf(figure: Figure): string {
  const { what, value, unit = '', atMost } = figure;
  const shown = `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`.padStart(14);
  const bound = atMost === undefined ? '' : `  (at most ${atMost})${holds(figure) ? '' : '  FAILED'}`;
  return `${shown}  ${what}${bound}`;
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`"${text}" is not a whole number above 0`);
  return Number(text);
}

try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
