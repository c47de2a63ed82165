import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import helmet from 'helmet';
import type { Settings } from '#config';
import { durabilityFaults, migrate, withRetry } from '#database';
import { ClientGateway, SocketAdapter } from '#gateway';
import { NestLog, type Logger } from '#observability';
import { MIGRATIONS } from '../../migrations/index.js';
import { assemble, type Parts } from './assemble.js';
import { describeApi } from './describe-api.js';
import { OpenSockets } from './open-sockets.js';
import { resolveSettings, type Resolved } from './resolve-settings.js';
import { TrunklineModule } from './trunkline.module.js';

/** Longest REST body: a full batch of ordinary messages; each message has its own, smaller limit. */
const REST_BODY_LIMIT = '8mb';

/** One running server: started in order, stopped in reverse. */
export class Instance {
  private isStopping = false;
  private readonly sockets: OpenSockets;

  private constructor(
    private readonly resolved: Resolved,
    private readonly parts: Parts,
    private readonly app: NestExpressApplication,
  ) {
    this.sockets = new OpenSockets(app.getHttpServer());
  }

  static async start(given: Settings, logger: Logger): Promise<Instance> {
    const resolved = await resolveSettings(given, logger);
    const { settings } = resolved;
    await migrate(settings.database.directUrl ?? settings.database.url, MIGRATIONS);
    const parts = assemble(settings, logger);
    await assertDurable(settings, parts);
    await parts.lease.assertIdIsFree();
    await withRetry(() => parts.retention.makePartitions(), { deadlineMs: 10_000 });
    await parts.listener.start();
    await parts.lease.start();
    parts.delivery.start();
    for (const part of [parts.heartbeats, parts.sessions, parts.presence]) part.start();
    const app = await createApp(settings, parts);
    const instance = new Instance(resolved, parts, app);
    await app.listen(settings.port, settings.host);
    parts.readiness.isReady = true;
    return instance;
  }

  get id(): string {
    return this.parts.instanceId;
  }

  /** Where it listens, e.g. http://127.0.0.1:3000 */
  async url(): Promise<string> {
    return this.app.getUrl();
  }

  /** Drains and stops within the drain timeout; the embedded database last. */
  async stop(): Promise<void> {
    if (this.isStopping) return;
    this.isStopping = true;
    const { parts, resolved } = this;
    parts.readiness.isReady = false;
    parts.lease.isDraining = true;
    await parts.lease.beat();
    await this.app.get(ClientGateway).drain(resolved.settings.drainTimeoutMs / 2);
    await parts.jobs.stop();
    await Promise.all([this.app.close(), this.sockets.endAll()]);
    await Promise.all([parts.heartbeats.stop(), parts.sessions.stop(), parts.presence.stop()]);
    await parts.delivery.stop();
    await parts.lease.stop();
    await parts.listener.stop();
    await parts.database.close();
    await resolved.embedded?.stop();
  }
}

/** A database that may forget what it acknowledged breaks the first promise: production refuses it. */
async function assertDurable(settings: Resolved['settings'], { database, log }: Parts): Promise<void> {
  const faults = await withRetry(() => durabilityFaults(database), { deadlineMs: 10_000 });
  if (faults.length === 0) return;
  const message = `PostgreSQL runs with ${faults.join(', ')}: acknowledged messages can be lost in a crash`;
  if (settings.isProduction) throw new Error(message);
  log.warn(message);
}

async function createApp(settings: Resolved['settings'], parts: Parts): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(TrunklineModule.forRoot(settings, parts), {
    logger: new NestLog(parts.log),
    bodyParser: false,
    abortOnError: false,
  });
  app.use((_request: Request, response: Response, next: NextFunction) => {
    // So that a back end that keeps its connection asks another instance next.
    if (!parts.readiness.isReady) response.setHeader('Connection', 'close');
    next();
  });
  app.use(helmet());
  app.useBodyParser('json', { limit: REST_BODY_LIMIT, strict: false });
  const { corsOrigins } = settings.auth;
  const allowsLocalhost = !settings.isProduction && corsOrigins.length === 0;
  app.useWebSocketAdapter(
    new SocketAdapter(app, {
      corsOrigins,
      allowsLocalhost,
      maxBodyBytes: settings.body.maxBytes,
      ...settings.connections,
    }),
  );
  describeApi(app);
  return app;
}
