import { AdminKeys, ApiKeys, Tokens } from '#auth';
import type { ResolvedSettings } from '#config';
import {
  Bans,
  Heartbeats,
  InstanceCommands,
  InstanceLock,
  Lease,
  makeInstanceId,
  Presence,
  RegistryQueries,
  type Notifier,
} from '#connection-manager';
import { Database, type DedicatedSession } from '#database';
import { Delivery, Timelines } from '#delivery';
import type { Readiness } from '#health';
import { countLimited, FairQueue, SharedLimits, Suspects, type SuspectList } from '#limits';
import { RequestLog, throttledWarn, Tracing, type Logger, type Meter } from '#observability';
import { makeStores, type Stores } from '../stores/make-stores.js';
import type { Metrics } from '../setup/metrics.js';
import { makeNotifier } from './make-notifier.js';

const WARN_EVERY_MS = 5_000;

/** Warns of the same thing now and then, however often it happens. */
type Warn = (what: string, error: unknown) => void;

export type Parts = ReturnType<typeof assemble>;

/** How an instance is watched. */
interface Watching {
  readonly meter: Meter;
  /** Undefined if tracing is off. */
  readonly tracing: Tracing | undefined;
}

/** How what moves by itself ends a connection, or the instance. */
interface Endings {
  /** The peers gave this instance up: it must send nothing more, and be abandoned. */
  readonly onLeaseLost: () => void;
  /** An operator wants the process to end as on SIGTERM. */
  readonly onDrain: () => void;
  /** An operator wants this connection closed. */
  readonly onDisconnect: (connectionId: string) => void;
}

/** The parts of the process that an instance runs in. */
export interface Surroundings extends Omit<Endings, 'onDisconnect'> {
  readonly readiness: Readiness;
  readonly metrics: Metrics;
}

/** Everything one instance is made of, each part given what it needs; nothing is started yet. */
export function assemble(settings: ResolvedSettings, logger: Logger, surroundings: Surroundings & Endings) {
  const { readiness, metrics } = surroundings;
  const { meter } = metrics;
  const instanceId = settings.instanceId ?? makeInstanceId();
  const log = logger.child({ instanceId });
  const database = openDatabase(settings, instanceId, log, meter);
  const watching = { meter, tracing: settings.isTracing ? new Tracing() : undefined };
  const warn = throttledWarn(log, WARN_EVERY_MS);
  const onChanged = (users: readonly string[]): void => moving.presence.changed(users);
  const lease = (): Lease => moving.lease;
  const name = applicationName(settings.database.schema, instanceId);
  const hearing = makeNotifier({ settings, database, instanceId, applicationName: name, lease, warn });
  const stores = makeStores(database, settings, instanceId, { ...hearing, ...watching, onChanged, onError: warn });
  const suspects = makeSuspects(stores.suspectList, settings, warn, meter);
  const foundation = { settings, instanceId, warn, watching, database, ...hearing, stores, endings: surroundings };
  const moving: MovingParts = makeMovingParts(foundation);
  return {
    instanceId,
    log,
    meter,
    database,
    ...hearing,
    ...stores,
    ...moving,
    suspects,
    fairQueue: makeFairQueue(settings, meter),
    requestLog: new RequestLog(log, instanceId),
    timelines: new Timelines(stores.messages, stores.registry, stores.audience, stores.sessions),
    tokens: new Tokens(settings.auth.jwtSecret, settings.sessions.clockToleranceMs),
    apiKeys: new ApiKeys(settings.auth.apiKeys),
    metricsKeys: new ApiKeys(settings.metrics.token === undefined ? [] : [`metrics:${settings.metrics.token}`]),
    adminKeys: new AdminKeys(settings.admin.keys),
    registryQueries: new RegistryQueries(database),
    readiness,
  };
}

/** Requests that wait for their turn, of a user or key and of all together. */
const MAX_WAITING = { ofOne: 2_000, ofAll: 20_000 };
/** Many of them share statements, so more are let on their way than there are connections for them. */
const TURNS_PER_CONNECTION = 4;

/** One user or key has half of the connections at most. */
function makeFairQueue({ database: { poolSize } }: ResolvedSettings, meter: Meter): FairQueue {
  const limited = countLimited(meter);
  return new FairQueue({
    concurrency: poolSize * TURNS_PER_CONNECTION,
    concurrencyOfOne: Math.max(1, Math.floor(poolSize / 2)),
    maxWaiting: MAX_WAITING.ofAll,
    maxWaitingOfOne: MAX_WAITING.ofOne,
    onRefused: () => limited.inc('turns'),
  });
}

const applicationName = (schema: string, instanceId: string): string => `${schema} ${instanceId}`;

function openDatabase(settings: ResolvedSettings, instanceId: string, log: Logger, meter: Meter): Database {
  return new Database({
    ...settings.database,
    meter,
    applicationName: applicationName(settings.database.schema, instanceId),
    onError: (pool, error) => log.debug({ err: error, pool }, 'database connection lost'),
  });
}

function makeSuspects(list: SuspectList, settings: ResolvedSettings, warn: Warn, meter: Meter): Suspects {
  const onError = (error: unknown): void => warn('suspects not written down, trying again', error);
  return new Suspects(list, { perMinute: settings.rest.suspicionsPerMinute, meter, onError });
}

interface Foundation {
  readonly settings: ResolvedSettings;
  readonly instanceId: string;
  readonly warn: Warn;
  readonly watching: Watching;
  readonly database: Database;
  readonly session: DedicatedSession;
  readonly notifier: Notifier;
  readonly stores: Stores;
  readonly endings: Endings;
}

interface MovingParts {
  readonly lease: Lease;
  readonly commands: InstanceCommands;
  readonly delivery: Delivery;
  readonly heartbeats: Heartbeats;
  readonly bans: Bans;
  readonly presence: Presence;
  readonly sharedLimits: SharedLimits;
}

/** The parts that act by themselves, and need each other. */
function makeMovingParts(foundation: Foundation): MovingParts {
  const { settings, instanceId, database, session, notifier, stores, endings, watching, warn } = foundation;
  const { registry } = stores;
  const lock = new InstanceLock(session, instanceId, () => void lease.beatIfStarted(), database.schema);
  const lease: Lease = new Lease(database, {
    instanceId,
    ...settings.registry,
    notifier,
    canLock: lock.isPossible,
    holdsLock: () => lock.isHeld,
    onRenewed: (wasMissing) => {
      delivery.sendHeldBack();
      if (wasMissing) sharedLimits.rebuild();
      return wasMissing ? registry.rebuild() : registry.writeLeftOver();
    },
    onLost: endings.onLeaseLost,
    onError: (error) => warn('lease not renewed, trying again', error),
  });
  const delivery: Delivery = new Delivery({
    settings: settings.delivery,
    bodyLimits: settings.body,
    log: stores.messages,
    ...stores,
    ...{ instanceId, notifier },
    maySend: () => lease.isHeld,
    onError: warn,
    ...watching,
  });
  const people = makePeopleParts(foundation);
  const sharedLimits = makeSharedLimits(foundation, () => lease.peers + 1);
  return { lease, delivery, sharedLimits, ...people };
}

function makeSharedLimits(
  { settings, instanceId, database, watching, warn }: Foundation,
  instances: () => number,
): SharedLimits {
  return new SharedLimits(database, watching.meter, {
    ...settings.sharedLimits,
    instanceId,
    instances,
    beatMs: settings.registry.beatMs,
    onError: (error) => warn('shares of limits not leased, going on with the local ones', error),
  });
}

function makeCommands({ settings, instanceId, database, notifier, endings, warn }: Foundation): InstanceCommands {
  return new InstanceCommands(database, {
    instanceId,
    everyMs: settings.registry.beatMs,
    notifier,
    onDisconnect: endings.onDisconnect,
    onDrain: endings.onDrain,
    onError: (error) => warn('commands not looked for, trying again', error),
  });
}

/** Those who look after the users that are connected: signs of life, bans, presence, commands of operators. */
function makePeopleParts(foundation: Foundation) {
  const { settings, instanceId, database, notifier, stores, warn } = foundation;
  const { registry, sessions } = stores;
  const report = (what: string) => (error: unknown) => warn(what, error);
  return {
    commands: makeCommands(foundation),
    heartbeats: new Heartbeats(database, registry, {
      everyMs: settings.connections.heartbeatMs,
      onError: report('heartbeats not written, trying again'),
    }),
    bans: new Bans(database, { notifier, onBanned: () => sessions.lookSoon() }),
    presence: new Presence(database, registry, {
      ...{ instanceId, notifier, pollMs: settings.delivery.pollMs },
      ...settings.presence,
      settleMs: settings.registry.beatMs * 2,
      maySee: (pairs) => stores.groups.maySee(pairs),
      onError: report('presence not read, the poll repeats it'),
    }),
  };
}
