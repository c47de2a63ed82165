import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/until.js';
import type { Figure, LifecycleScenario } from '../lifecycle-scenario.js';
import type { LifecycleFleet } from '../fixtures/lifecycle-fleet.js';
import { gather } from '../fixtures/gather.js';
import { InboxLoad } from '../fixtures/inbox-load.js';
import type { Member } from '../fixtures/member.js';
import { peakPerSecond } from '../fixtures/peak.js';
import { rowsOfOthers } from '../fixtures/registered.js';
import { behindNginx, type LifecycleEnvironment } from '../fixtures/lifecycle-environment.js';

export interface Rolling extends LifecycleEnvironment {
  readonly clients: number;
  readonly messagesPerS: number;
  readonly reconnectsPerS: number;
  /** The address to which the clients connect. */
  readonly url: () => string;
  readonly note: (text: string) => void;
}

const CALM_MS = 2_000;
const CAUGHT_UP_MS = 30_000;
const RECONNECTS_PER_S = 100;

export const ROLLING: LifecycleScenario = {
  name: 'rolling',
  does: 'restarts 3 instances behind nginx, one after the other, under 200 messages a second with 1,000 clients',
  async run({ clients = 1_000, note }) {
    const env = { DRAIN_RECONNECTS_PER_S: String(RECONNECTS_PER_S) };
    return behindNginx(env, ({ url: front, ...environment }) => {
      const url = (): string => front;
      return rollingRestart({
        ...environment,
        clients,
        messagesPerS: 200,
        reconnectsPerS: RECONNECTS_PER_S,
        url,
        note,
      });
    });
  },
};

/** Restarts every instance of the fleet under load, and accounts for every message and every reconnect. */
export async function rollingRestart(options: Rolling): Promise<Figure[]> {
  const { clients, fleet, url, messagesPerS, note } = options;
  const reconnects: number[] = [];
  const onReturn = (): void => void reconnects.push(performance.now());
  const members = await gather(clients, { url, onReturn });
  options.members.push(...members);
  note(`${clients} clients are connected`);
  const load = new InboxLoad({ members, perSecond: messagesPerS });
  await delay(CALM_MS);
  // If this process gets no CPU, its thousand clients come late together, and the pace is theirs and not the servers'.
  const own = monitorEventLoopDelay();
  own.enable();
  const codes = await restartAll(fleet, note);
  own.disable();
  await delay(CALM_MS);
  await load.stop();
  // Whatever has not come by then is lost, as the figures will say.
  await until('all have caught up', () => load.missing === 0, CAUGHT_UP_MS).catch(() => undefined);
  const present = fleet.servers.map(({ instanceId }) => instanceId);
  return [
    ...figuresOf(load, members),
    { what: 'exit codes other than 0', value: codes.filter((code) => code !== 0).length, atMost: 0 },
    { what: 'reconnects', value: reconnects.length },
    { what: 'reconnects in one second, at most', value: peakPerSecond(reconnects), atMost: options.reconnectsPerS },
    { what: 'the clients’ own event-loop delay, at most', value: own.max / 1e6, unit: 'ms' },
    { what: 'rows left of gone instances', value: await rowsOfOthers(options.query, present), atMost: 0 },
  ];
}

function figuresOf(load: InboxLoad, members: readonly Member[]): Figure[] {
  const sum = (of: (member: Member) => number): number => members.reduce((total, member) => total + of(member), 0);
  return [
    { what: 'messages acknowledged', value: load.acknowledgedCount },
    { what: 'publishes without an answer', value: load.attempted - load.acknowledgedCount, atMost: 0 },
    { what: 'publishes tried again', value: sum(({ tries }) => tries) - load.attempted },
    { what: 'messages lost', value: load.missing, atMost: 0 },
    { what: 'repeated or out of order after dedupe', value: sum(({ disorders }) => disorders), atMost: 0 },
  ];
}

async function restartAll(fleet: LifecycleFleet, note: Rolling['note']): Promise<(number | null)[]> {
  const codes: (number | null)[] = [];
  for (const index of fleet.servers.keys()) {
    const startedAt = performance.now();
    codes.push(await fleet.restart(index));
    note(
      `instance ${index + 1} replaced after ${Math.round(performance.now() - startedAt)} ms, exit code ${codes.at(-1)}`,
    );
  }
  return codes;
}
