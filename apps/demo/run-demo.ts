import { randomBytes } from 'node:crypto';
import { DemoEnvironment } from './demo-environment.js';
import { DemoLedger } from './demo-ledger.js';
import { Demo, type Outcome } from './demo.js';
import type { DemoOptions } from './options.js';
import type { ProgressBar } from './progress-bar.js';
import type { ReplayPlan } from './replay-plan.js';

/** Ctrl-C and similar signals. Through npm they come twice, so all but the first are ignored. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Starts the environment, runs the demo in it, and removes it again whatever happened. */
export async function runDemo(
  plan: ReplayPlan,
  options: DemoOptions,
  inherited: NodeJS.ProcessEnv,
  bar: ProgressBar,
): Promise<Outcome> {
  if (!plan.steps.some(({ kind }) => kind === 'publish')) return nothingToDo(plan, options);
  const jwtSecret = randomBytes(32).toString('hex');
  const environment = await DemoEnvironment.set(jwtSecret, inherited, options.seed);
  const demo = new Demo({ plan, options, jwtSecret, fleet: environment.fleet, bar });
  for (const signal of STOP_SIGNALS) process.on(signal, () => demo.stop(new Error(`stopped by ${signal}`)));
  try {
    const outcome = await demo.run();
    return { ...outcome, troubles: [...outcome.troubles, ...(await environment.clear())] };
  } catch (error) {
    for (const trouble of await environment.clear()) bar.note(trouble);
    throw error;
  }
}

function nothingToDo({ group }: ReplayPlan, { seed }: DemoOptions): Outcome {
  return {
    troubles: [],
    balance: new DemoLedger(group).balance(),
    figures: { killed: 0, reconnects: 0, repeats: 0, seed },
  };
}
