import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { SYSTEMS, type SystemName } from './peers/peer.js';

/** A scenario as the command line names it. */
interface NamedScenario {
  readonly letter: string;
  readonly title: string;
}

export interface BenchOptions {
  readonly scenarios: readonly string[];
  /** The systems to measure; if undefined, those that the scenario names. */
  readonly systems: readonly SystemName[] | undefined;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly threads: number;
  readonly usesPublishIds: boolean;
  /** Selects the metrics and cases whose name contains this text; if undefined, all are measured. */
  readonly only: string | undefined;
  /** The directory with initdb and pg_ctl; if undefined, that of Debian's PostgreSQL. */
  readonly postgresBin: string | undefined;
  readonly profile: string | undefined;
  readonly json: boolean;
}

export function usageOf(scenarios: readonly NamedScenario[]): string {
  return `npm run bench -- [--scenario a] [--peers socketio-redis,…] [--rounds 5] [--seconds 10] [--json]

  --scenario LETTERS   one or more, separated by commas, or all (a)
${scenarios.map(({ letter, title }) => `                         ${letter}  ${title}`).join('\n')}
  --peers NAMES        against whom; trunkline is always there (what the scenario is about)
                         ${SYSTEMS.filter((name) => name !== 'trunkline').join(', ')}
  --rounds N           measurements of each system, in turn with the others (5)
  --seconds N          length of one measurement (10)
  --warmup N           seconds of load before it, in which V8 compiles what is hot (8)
  --only TEXT          only the cases with this in their name, e.g. "2,000 members"
  --threads N          of the load generator (as many as the machine has cores, at most 4)
  --publish-ids on|off whether trunkline's publishers name their messages, as its README does (on)
  --postgres-bin DIR   programs of another PostgreSQL, with initdb and pg_ctl (Debian's; else the embedded one)
  --profile DIR        write a CPU profile of every server and of the load generator there
  --json               print the result as one JSON object on the last line`;
}

const MOST_THREADS = 4;

export function readOptions(args: readonly string[], scenarios: readonly NamedScenario[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string', default: 'a' },
      peers: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '10' },
      warmup: { type: 'string', default: '8' },
      only: { type: 'string' },
      threads: { type: 'string', default: String(Math.min(availableParallelism(), MOST_THREADS)) },
      'publish-ids': { type: 'string', default: 'on' },
      'postgres-bin': { type: 'string' },
      profile: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    scenarios: scenariosOf(values.scenario, scenarios),
    systems: systemsOf(values.peers),
    rounds: wholeNumber('--rounds', values.rounds, 1, 1_000),
    seconds: wholeNumber('--seconds', values.seconds, 1, 3_600),
    warmupSeconds: wholeNumber('--warmup', values.warmup, 0, 3_600),
    threads: wholeNumber('--threads', values.threads, 1, 64),
    usesPublishIds: values['publish-ids'] !== 'off',
    only: values.only,
    postgresBin: values['postgres-bin'],
    profile: values.profile,
    json: values.json,
  };
}

function scenariosOf(text: string, scenarios: readonly NamedScenario[]): string[] {
  const known = scenarios.map(({ letter }) => letter);
  const wanted = text === 'all' ? known : names(text);
  for (const letter of wanted) if (!known.includes(letter)) throw new Error(`--scenario: there is no ${letter}`);
  return wanted;
}

function systemsOf(text: string | undefined): SystemName[] | undefined {
  if (text === undefined) return undefined;
  const wanted = names(text).filter((name) => name !== 'trunkline');
  const known: readonly string[] = SYSTEMS;
  for (const name of wanted) if (!known.includes(name)) throw new Error(`--peers: there is no ${name}`);
  return ['trunkline', ...(wanted as SystemName[])];
}

function names(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max))
    throw new Error(`${name}: "${text}" is not a whole number from ${min} to ${max}`);
  return value;
}
