import { AdminKeys, ApiKeys, Tokens } from '#auth';
import type { ResolvedSettings } from '#config';
import {
  Bans,
  Heartbeats,
  InstanceCommands,
  Lease,
  LOCK_CLASS,
  lockKeyOf,
  makeInstanceId,
  Presence,
  RegistryQueries,
} from '#connection-manager';
import { Database, Listener } from '#database';
import { Delivery, Timelines } from '#delivery';
import type { Readiness } from '#health';
import { countLimited, FairQueue, SharedLimits, Suspects, type SuspectList } from '#limits';
import { RequestLog, throttledWarn, Tracing, type Logger, type Meter } from '#observability';
import { makeStores, type Stores } from '../stores/make-stores.js';
import type { Metrics } from '../setup/metrics.js';

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
  const stores = makeStores(database, settings, instanceId, { ...watching, onChanged, onError: warn });
  const suspects = makeSuspects(stores.suspectList, settings, warn, meter);
  const foundation = { settings, instanceId, warn, watching, database, stores, endings: surroundings };
  const moving = makeMovingParts(foundation);
  return {
    instanceId,
    log,
    meter,
    database,
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

const applicationName = (instanceId: string): string => `trunkline ${instanceId}`;

function openDatabase(settings: ResolvedSettings, instanceId: string, log: Logger, meter: Meter): Database {
  return new Database({
    ...settings.database,
    meter,
    applicationName: applicationName(instanceId),
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
  readonly stores: Stores;
  readonly endings: Endings;
}

interface MovingParts {
  readonly listener: Listener;
  readonly lease: Lease;
  readonly commands: InstanceCommands;
  readonly delivery: Delivery;
  readonly heartbeats: Heartbeats;
  readonly bans: Bans;
  readonly presence: Presence;
  readonly sharedLimits: SharedLimits;
}

/** Where an instance listens, and the lock that proves its life meanwhile. */
function earOf(instanceId: string, { listenUrl: url }: ResolvedSettings['database']) {
  const lockKey = [LOCK_CLASS, lockKeyOf(instanceId)] as const;
  return { url, applicationName: applicationName(instanceId), channel: `trunkline_${instanceId}`, lockKey };
}

/** The parts that act by themselves, and need each other: hints arrive at the listener and move the others. */
// eslint-disable-next-line max-lines-per-function -- what refers to each other stands together
function makeMovingParts(foundation: Foundation): MovingParts {
  const { settings, instanceId, database, stores, endings, watching, warn } = foundation;
  const { registry, sessions } = stores;
  const hasPeers = (): boolean => lease.peers > 0;
  const listener: Listener = new Listener({
    ...earOf(instanceId, settings.database),
    onNotification: (payload) => {
      if (payload === '!') lease.onPeerJoined();
      else if (payload === '-') sessions.hint();
      else if (payload === '>') people.commands.hint();
      else for (const part of [delivery, people.presence]) part.hint(payload);
    },
    onListening: () => {
      sessions.hint();
      people.presence.readEverything();
      void delivery.readEverything();
    },
    onLocked: () => void lease.beatIfStarted(),
    onLost: (error) => {
      warn('LISTEN lost, polling until it is back', error);
      delivery.pollSoon();
      // Says that there is no lock for now, or the peers would take its absence for death.
      void lease.beatIfStarted();
    },
  });
  const lease: Lease = new Lease(database, {
    instanceId,
    ...settings.registry,
    canLock: listener.isPossible,
    holdsLock: () => listener.holdsLock,
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
    ...{ instanceId, hasPeers },
    isListening: () => listener.isListening || !listener.isPossible,
    maySend: () => lease.isHeld,
    onError: warn,
    ...watching,
  });
  const people = makePeopleParts(foundation, hasPeers);
  const sharedLimits = makeSharedLimits(foundation, () => lease.peers + 1);
  return { listener, lease, delivery, sharedLimits, ...people };
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

function makeCommands({ settings, instanceId, database, endings, warn }: Foundation): InstanceCommands {
  return new InstanceCommands(database, {
    instanceId,
    everyMs: settings.registry.beatMs,
    isNotifyOn: settings.delivery.isNotifyOn,
    onDisconnect: endings.onDisconnect,
    onDrain: endings.onDrain,
    onError: (error) => warn('commands not looked for, trying again', error),
  });
}

/** Those who look after the users that are connected: signs of life, bans, presence, commands of operators. */
function makePeopleParts(foundation: Foundation, hasPeers: () => boolean) {
  const { settings, instanceId, database, stores, warn } = foundation;
  const { registry, sessions } = stores;
  const { pollMs, isNotifyOn } = settings.delivery;
  const report = (what: string) => (error: unknown) => warn(what, error);
  const everywhere = { instanceId, pollMs, isNotifyOn };
  return {
    commands: makeCommands(foundation),
    heartbeats: new Heartbeats(database, registry, {
      everyMs: settings.connections.heartbeatMs,
      onError: report('heartbeats not written, trying again'),
    }),
    bans: new Bans(database, { isNotifyOn, onBanned: () => sessions.hint() }),
    presence: new Presence(database, registry, {
      ...everywhere,
      ...settings.presence,
      settleMs: settings.registry.beatMs * 2,
      hasPeers,
      maySee: (pairs) => stores.groups.maySee(pairs),
      onError: report('presence not read, the poll repeats it'),
    }),
  };
}
