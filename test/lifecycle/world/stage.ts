import { OwnPostgres } from '../../support/own-postgres.js';
import { LifecycleFleet, type LifecycleFleetOptions } from './fleet.js';
import type { Member } from './member.js';
import type { Query } from './registered.js';
import { Topology } from './topology.js';

export interface LifecycleEnvironment {
  readonly fleet: LifecycleFleet;
  readonly databaseUrl: string;
  readonly query: Query;
  /** The clients of the scenario, which are disconnected at its end. */
  readonly members: Member[];
}

/** Runs a scenario with a PostgreSQL and instances of its own, which are stopped whatever happens in it. */
export function inEnvironment<T>(
  options: Omit<LifecycleFleetOptions, 'databaseUrl'>,
  play: (environment: LifecycleEnvironment) => Promise<T>,
): Promise<T> {
  return withPostgres(async (props) => {
    const fleet = await LifecycleFleet.open({ ...options, databaseUrl: props.databaseUrl });
    return play({ ...props, fleet }).finally(() => fleet.end());
  });
}

/** Runs a scenario with three instances behind nginx, at `url`. */
export function behindNginx<T>(
  env: Record<string, string>,
  play: (environment: LifecycleEnvironment & { readonly url: string }) => Promise<T>,
): Promise<T> {
  return withPostgres(async (props) => {
    const topology = await Topology.open({ databaseUrl: props.databaseUrl, env });
    const { fleet, url } = topology;
    return play({ ...props, fleet, url }).finally(() => topology.end());
  });
}

async function withPostgres<T>(play: (props: Omit<LifecycleEnvironment, 'fleet'>) => Promise<T>): Promise<T> {
  const postgres = await OwnPostgres.start();
  const members: Member[] = [];
  const query: Query = (text, values) => postgres.query(text, values);
  try {
    return await play({ databaseUrl: postgres.url, query, members });
  } finally {
    for (const member of members) member.leave();
    await postgres.remove();
  }
}
