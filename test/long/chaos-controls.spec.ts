import type { Invariant } from '../chaos/checker/finding.js';
import { chaosRun } from '../chaos/chaos-run.js';

const ROUNDS = 3;

interface Control {
  readonly sabotage: string;
  /** The fault that brings it to light. */
  readonly fault: string;
  /** One of these must be found broken; that the run proved little is no find. */
  readonly breaks: readonly Invariant[];
}

/** Each breaks what a promise rests on: a checker that stays green would be worth nothing. */
const CONTROLS: readonly Control[] = [
  { sabotage: 'synchronous-commit-off', fault: 'postgres-crash', breaks: ['I1'] },
  // What it still holds back for an instance that is down is lost; a crash of the database alone the instance would ride out.
  { sabotage: 'early-ack', fault: 'kill', breaks: ['I1'] },
  { sabotage: 'seq-without-lock', fault: 'client-reset', breaks: ['I1', 'I7'] },
  { sabotage: 'publish-ids-forgotten', fault: 'ambiguous-commit', breaks: ['I5'] },
  { sabotage: 'client-dedupe-off', fault: 'kill', breaks: ['I5'] },
];

test.each(CONTROLS)(
  '$sabotage turns the checker red',
  async ({ sabotage, fault, breaks }) => {
    const outputs: string[] = [];
    const hasTurnedRed = async (): Promise<boolean> => {
      const run = await chaosRun(['--seconds', '10', '--instances', '2', '--sabotage', sabotage, '--faults', fault]);
      outputs.push(run.output);
      return run.exitCode === 1 && run.verdict.findings.some(({ invariant }) => breaks.includes(invariant));
    };
    for (let round = 1; round <= ROUNDS; round++) if (await hasTurnedRed()) return;
    throw new Error(`still green after ${ROUNDS} rounds\n${outputs.join('\n')}`);
  },
  180_000,
);
