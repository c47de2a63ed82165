import type { Settings } from '#config';
import { Peers, PollingNotifier, Registry, Sessions, type Notifier } from '#connection-manager';
import type { Database } from '#database';
import { SuspectList } from '#limits';
import {
  AppendObserver,
  Audience,
  Backlog,
  Cursors,
  DeadLetters,
  Devices,
  Erasure,
  Groups,
  Inventory,
  MessageLog,
  MessageSearch,
  MessageStats,
  Outbox,
  Retention,
} from '#message-persistence';
import { NO_METER, type Meter, type Tracing } from '#observability';

export type Stores = ReturnType<typeof makeStores>;

/** How stores are watched, and whom they tell. */
export interface StoreOptions {
  readonly notifier: Notifier;
  readonly meter: Meter;
  /** Undefined if tracing is off. */
  readonly tracing: Tracing | undefined;
  /** Connections of these users have come or gone. */
  readonly onChanged: (users: readonly string[]) => void;
  readonly onError: (what: string, error: unknown) => void;
}

/** A command line tells nobody, and each has a notifier of its own, which its stores listen to. */
const unwatched = (): StoreOptions => ({
  notifier: new PollingNotifier(),
  meter: NO_METER,
  tracing: undefined,
  onChanged: () => undefined,
  onError: () => undefined,
});

/** Everything that stands in tables, for an instance or for the command line; nothing of it acts by itself. */
export function makeStores(
  database: Database,
  settings: Settings,
  instanceId: string,
  { notifier, meter, tracing, onChanged, onError }: StoreOptions = unwatched(),
) {
  const { publish, owned, delivery } = settings;
  return {
    registry: new Registry(database, instanceId, onChanged),
    peers: new Peers(database, instanceId, settings.registry.leaseMs, onChanged),
    sessions: new Sessions(database, {
      ...settings.sessions,
      ...{ instanceId, notifier, pollMs: delivery.pollMs },
      onError: (error) => onError('ended sessions not looked for, the poll repeats it', error),
    }),
    messages: new MessageLog(database, { ...publish, observer: new AppendObserver(meter, tracing) }),
    groups: new Groups(database, owned.maxGroups),
    audience: new Audience(database),
    search: new MessageSearch(database),
    devices: new Devices(database, owned.maxDevices),
    cursors: new Cursors(database, instanceId, delivery.maxTotalAttempts),
    outbox: new Outbox(database, { ...delivery, ...publish, maxScheduledOfUser: owned.maxScheduled }),
    deadLetters: new DeadLetters(database),
    retention: makeRetention(database, settings, meter),
    inventory: new Inventory(database),
    messageStats: new MessageStats(database),
    backlog: new Backlog(database),
    erasure: new Erasure(database),
    suspectList: new SuspectList(database),
  };
}

function makeRetention(database: Database, { retention, publish }: Settings, meter: Meter): Retention {
  const { days: retentionDays, maxDays, isForced } = retention;
  return new Retention(database, { retentionDays, maxDays, isForced, dedupeHours: publish.dedupeHours }, meter);
}
