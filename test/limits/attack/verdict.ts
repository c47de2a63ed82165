import type { Attack } from './attack.js';
import type { Experience } from './canary/experience-ledger.js';
import type { AttackRun } from './run-attack.js';

const MEGABYTE = 1_048_576;
const GROWTH_MAX_MB = 300;
const SLOWDOWN_MAX = 5;
const P99_MAX_MS = 250;
const EXAMPLES = 5;

/**
 * Lists what did not hold, apart from delays: the process, its memory, its clients, what it stores. The list is empty
 * if everything held.
 */
export function breaches(attack: Attack, run: AttackRun): string[] {
  const { serverEnded, underAttack, calm } = run;
  const growth = Math.round((run.maxBytes - run.idleBytes) / MEGABYTE);
  return [
    ...(serverEnded === undefined ? [] : [`the server ended: ${serverEnded}`]),
    ...(growth > GROWTH_MAX_MB ? [`its memory grew by ${growth} MB, more than ${GROWTH_MAX_MB}`] : []),
    ...suffered('in calm', calm),
    ...suffered('under attack', underAttack),
    ...lasting(attack, run),
    ...(attack.remains ?? [])
      .filter(({ what, atMost }) => !((run.remains[what] ?? NaN) <= atMost))
      .map(({ what, atMost }) => `${run.remains[what] ?? NaN} ${what}, more than ${atMost}`),
  ];
}

/** Lists what took too long for the canary, compared with calm. A busy machine contributes to that. */
export function delays({ calm, underAttack }: AttackRun): string[] {
  return (['answers', 'deliveries'] as const).flatMap((kind) => {
    const [before, during] = [calm[kind].p99, underAttack[kind].p99];
    const bound = Math.min(before * SLOWDOWN_MAX, P99_MAX_MS);
    return during <= bound ? [] : [`p99 of ${kind} ${during} ms, more than ${Math.round(bound)} (calm ${before})`];
  });
}

function suffered(when: string, { refusals, connectionsLost, answers }: Experience): string[] {
  const examples = [...new Set(refusals)].slice(0, EXAMPLES).join(', ');
  return [
    ...(answers.count === 0 ? [`nothing of the canary was answered ${when}`] : []),
    ...(refusals.length === 0 ? [] : [`${refusals.length} refused ${when}: ${examples}`]),
    ...(connectionsLost === 0 ? [] : [`${connectionsLost} connections of the canary lost ${when}`]),
  ];
}

function lasting({ endsWithinS }: Attack, { attacker: { firstEndMs } }: AttackRun): string[] {
  if (endsWithinS === undefined || (firstEndMs !== null && firstEndMs <= endsWithinS * 1_000)) return [];
  return [`the attacker was not ended within ${endsWithinS} s`];
}
