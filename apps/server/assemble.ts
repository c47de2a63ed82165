import { ApiKeys, Tokens } from '#auth';
import { JobRunner } from '#cleanup';
import type { ResolvedSettings } from '#config';
import { Lease, LOCK_CLASS, lockKeyOf, makeInstanceId, Peers, Registry } from '#connection-manager';
import { Database, Listener } from '#database';
import { Delivery } from '#delivery';
import { Readiness } from '#health';
import { Devices, Groups, JobDiary, MessageLog, Retention, Settlements } from '#message-persistence';
import type { Logger } from '#observability';

export type Parts = ReturnType<typeof assemble>;

/** Everything one instance is made of, each given what it needs; nothing is started yet. */
export function assemble(settings: ResolvedSettings, logger: Logger) {
  const instanceId = settings.instanceId ?? makeInstanceId();
  const log = logger.child({ instanceId });
  const warn = (what: string, error: unknown): void => log.warn({ err: error }, what);
  const { url, directUrl = url, poolSize } = settings.database;
  const applicationName = `trunkline ${instanceId}`;
  const database = new Database({
    url,
    poolSize,
    applicationName,
    onError: (pool, error) => log.debug({ err: error, pool }, 'database connection lost'),
  });
  const registry = new Registry(database, () => instanceId);
  const peers = new Peers(database, () => instanceId, settings.registry.leaseMs);
  const messages = new MessageLog(database, settings.publish);
  const groups = new Groups(database);
  const listener: Listener = new Listener({
    url: directUrl,
    applicationName,
    channel: `trunkline_${instanceId}`,
    lockKey: [LOCK_CLASS, lockKeyOf(instanceId)],
    onNotification: (payload) => (payload === '!' ? void lease.beat() : delivery.hint(payload)),
    onListening: () => void Promise.all([lease.beatIfStarted(), delivery.readEverything()]),
    onLost: (error) => warn('LISTEN lost, polling until it is back', error),
  });
  const lease: Lease = new Lease(database, {
    instanceId,
    ...settings.registry,
    holdsLock: () => listener.holdsLock,
    onRowMissing: () => registry.rebuild(),
    onError: (error) => warn('lease not renewed, trying again', error),
  });
  const delivery = new Delivery({
    settings: settings.delivery,
    bodyLimits: settings.body,
    log: messages,
    devices: new Devices(database),
    groups,
    settlements: new Settlements(database, () => instanceId),
    registry,
    peers,
    instanceId,
    hasPeers: () => lease.peers > 0,
    isListening: () => listener.isListening,
    onError: warn,
  });
  const diary = new JobDiary(database);
  return {
    instanceId,
    log,
    database,
    registry,
    peers,
    messages,
    groups,
    listener,
    lease,
    delivery,
    retention: new Retention(database, {
      retentionDays: settings.retentionDays,
      dedupeHours: settings.publish.dedupeHours,
    }),
    jobs: new JobRunner(database, diary, instanceId, log),
    diary,
    tokens: new Tokens(settings.auth.jwtSecret),
    apiKeys: new ApiKeys(settings.auth.apiKeys),
    readiness: new Readiness(),
  };
}
