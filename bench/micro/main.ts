import { parseArgs } from 'node:util';
import { describeMachine } from '../machine.js';
import { reportMetric, type MetricReport } from '../report.js';
import type { Measurement } from '../scenarios/scenario.js';
import { metricLines } from '../table.js';
import { appendMicro } from './append.js';
import { bodyMicro } from './body.js';
import { feedMicro } from './feed.js';
import type { Micro } from './micro.js';
import { parseMicro } from './parse.js';
import { windowMicro } from './window.js';
import { tellFailure } from '../../test/support/tell-failure.js';

const USAGE = `npm run bench:micro -- [--only parse,body,window,feed,append] [--rounds 5] [--seconds 3] [--json]

  --json   print each result as one JSON object; append is the last line`;

const MICROS: Readonly<Record<string, () => Promise<Micro>>> = {
  parse: parseMicro,
  body: bodyMicro,
  window: windowMicro,
  feed: feedMicro,
  append: appendMicro,
};

const values = readValues();
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

/**
 * Measures the contestants in turn, so that a slow moment of the machine meets all. The first round warms up and does
 * not count.
 */
async function measure({ name, unit, contestants, isContest = false }: Micro): Promise<MetricReport> {
  const measurements = new Map<string, Measurement[]>(Object.keys(contestants).map((contestant) => [contestant, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [contestant, play] of Object.entries(contestants)) {
      const figures = { [name]: await play(seconds) };
      if (round > 0) measurements.get(contestant)?.push({ figures });
    }
  }
  const report = reportMetric({ name, unit }, measurements);
  return isContest ? report : { ...report, ratios: {} };
}

async function run(make: () => Promise<Micro>): Promise<void> {
  const machine = describeMachine();
  const micro = await make();
  try {
    const report = await measure(micro);
    const { metric, ...rest } = report;
    process.stdout.write(`${metricLines(report, rounds).join('\n')}\n\n`);
    if (values.json) process.stdout.write(`${JSON.stringify({ scenario: metric, rounds, ...rest, machine })}\n`);
  } finally {
    await micro.close();
  }
}

if (values.help) {
  process.stdout.write(`${USAGE}\n`);
} else {
  for (const name of values.only.split(',')) {
    const make = MICROS[name];
    if (!make) throw new Error(`--only: there is no ${name}; there are ${Object.keys(MICROS).join(', ')}`);
    await run(make);
  }
}

function readValues() {
  try {
    return parseArgs({
      options: {
        only: { type: 'string', default: Object.keys(MICROS).join(',') },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '3' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    tellFailure(error);
    process.exit(1);
  }
}
