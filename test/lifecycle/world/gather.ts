import { until } from '../../support/until.js';
import { Member, type MemberOptions } from './member.js';

const AT_ONCE = 50;
const READY_MS = 60_000;

/** Makes clients and connects all of them, a few at a time. */
export async function gather(count: number, options: Omit<MemberOptions, 'user'>): Promise<Member[]> {
  const members = Array.from({ length: count }, (_, n) => new Member({ ...options, user: `member-${n}` }));
  await bring(members);
  return members;
}

export async function bring(members: readonly Member[]): Promise<void> {
  for (let from = 0; from < members.length; from += AT_ONCE) {
    const some = members.slice(from, from + AT_ONCE);
    for (const member of some) member.arrive();
    await until('they are ready', () => some.every(({ isReady }) => isReady), READY_MS);
  }
}
