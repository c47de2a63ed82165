import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AdminKeys, ApiKeys } from '#auth';
import type { ResolvedSettings } from '#config';
import { ClientAddress, maxFrameBytes } from '#gateway';
import { Doorkeeper, PendingConnections, type Area, type Caller } from '#http';
import { countLimited } from '#limits';
import { METRICS_PATH } from '#observability';
import type { Parts } from '../instance/assemble.js';

/** Limits the body of a batch: a full batch of ordinary messages fits. Each message has its own, smaller limit. */
const BATCH_BYTES = 8 * 1_048_576;
const BATCHES = /^\/v1\/messages\/?$/i;

/**
 * The two checks before the routes of an instance: one for TCP connections that have not shown who they are, one for
 * requests.
 */
export interface Doors {
  readonly doorkeeper: Doorkeeper;
  readonly pending: PendingConnections;
}

export function makeDoors(settings: ResolvedSettings, parts: Parts): Doors {
  const { suspects, meter, log } = parts;
  const address = new ClientAddress(settings.admission.trustedProxies);
  const limited = countLimited(meter);
  const pending = new PendingConnections({
    maxPerAddress: settings.rest.maxPendingPerAddress,
    isExempt: (from) => address.isTrusted(from),
    onClosed: (from) => {
      limited.inc('pending-connections');
      suspects.note(from, 'half-open');
    },
  });
  const messageBytes = maxFrameBytes(settings.body.maxBytes);
  const doorkeeper = new Doorkeeper({
    areas: areasOf(settings, parts),
    addressOf: (request) => address.of(request),
    suspects,
    ...settings.rest,
    maxBytesOf: ({ method, path }) => (method === 'POST' && BATCHES.test(path) ? BATCH_BYTES : messageBytes),
    onKnown: (socket) => pending.release(socket),
    meter,
    logger: log,
  });
  return { doorkeeper, pending };
}

/** Puts both checks before the HTTP server of an instance. */
export function closeDoors(app: NestExpressApplication, { doorkeeper, pending }: Doors): void {
  const server = app.getHttpServer();
  pending.watch(server);
  doorkeeper.watch(server);
}

function areasOf({ admin, metrics }: ResolvedSettings, { apiKeys, adminKeys, metricsKeys }: Parts): Area[] {
  const api = (secret: string): Caller | undefined => callerBy('api', apiKeys, secret);
  const operator = (secret: string): Caller | undefined => operatorBy(adminKeys, secret);
  const areas: Area[] = [
    { path: /^\/v1(\/|$)/i, find: api },
    { path: /^\/health\/?$/i, find: (secret) => operator(secret) ?? api(secret), isOpen: true },
  ];
  // Without admin keys there is no admin REST, and therefore no such area.
  if (admin.keys.length > 0) areas.push({ path: /^\/admin(\/|$)/i, find: operator });
  if (metrics.token !== undefined && metrics.port === undefined) {
    areas.push({
      path: new RegExp(`^${METRICS_PATH}(/|$)`, 'i'),
      find: (secret) => callerBy('metrics', metricsKeys, secret),
    });
  }
  return areas;
}

const NO_SCOPES: Caller['scopes'] = new Set();

function callerBy(kind: Caller['kind'], keys: ApiKeys, secret: string): Caller | undefined {
  const name = keys.nameOf(secret);
  return name === undefined ? undefined : { kind, name, scopes: NO_SCOPES };
}

function operatorBy(keys: AdminKeys, secret: string): Caller | undefined {
  const admin = keys.adminOf(secret);
  return admin && { kind: 'admin', ...admin };
}
