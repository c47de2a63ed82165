import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import helmet from 'helmet';
import type { ResolvedSettings } from '#config';
import { durabilityFaults, migrate, withRetry } from '#database';
import { ClientGateway, SocketAdapter } from '#gateway';
import { NestLog, type Logger } from '#observability';
import { MIGRATIONS } from '../../migrations/index.js';
import { assemble, type Endings, type Parts } from './assemble.js';
import { describeApi } from './describe-api.js';
import { OpenSockets } from './open-sockets.js';
import { TrunklineModule } from './trunkline.module.js';

/** Longest REST body: a full batch of ordinary messages; each message has its own, smaller limit. */
const REST_BODY_LIMIT = '8mb';

/** One running server: started in order, stopped in reverse. */
export class Instance {
  private isStopping = false;
  private readonly sockets: OpenSockets;

  private constructor(
    private readonly settings: ResolvedSettings,
    private readonly parts: Parts,
    private readonly app: NestExpressApplication,
  ) {
    this.sockets = new OpenSockets(app.getHttpServer());
  }

  /** @param endings what its owner is to do; an instance whose lease is lost is to be {@link abandon}ed */
  static async start(
    settings: ResolvedSettings,
    logger: Logger,
    endings: Omit<Endings, 'onDisconnect'>,
  ): Promise<Instance> {
    await migrate(settings.database.directUrl ?? settings.database.url, MIGRATIONS);
    let disconnect: Endings['onDisconnect'] = () => undefined;
    const parts = assemble(settings, logger, { ...endings, onDisconnect: (connectionId) => disconnect(connectionId) });
    await assertDurable(settings, parts);
    await parts.lease.assertIdIsFree();
    await withRetry(() => parts.retention.makePartitions(), { deadlineMs: 10_000 });
    await parts.listener.start();
    await parts.lease.start();
    parts.delivery.start();
    for (const part of [parts.heartbeats, parts.sessions, parts.presence]) part.start();
    const app = await createApp(settings, parts);
    const gateway = app.get(ClientGateway);
    disconnect = (connectionId) => gateway.disconnect(connectionId);
    const instance = new Instance(settings, parts, app);
    await app.listen(settings.port, settings.host);
    parts.readiness.isReady = true;
    // Not before it can obey.
    parts.orders.start();
    return instance;
  }

  get id(): string {
    return this.parts.instanceId;
  }

  /** Where it listens, e.g. http://127.0.0.1:3000 */
  async url(): Promise<string> {
    return this.app.getUrl();
  }

  /** Drains and stops, within the drain timeout. */
  async stop(): Promise<void> {
    if (this.isStopping) return;
    this.isStopping = true;
    const { lease, readiness } = this.parts;
    readiness.isReady = false;
    lease.isDraining = true;
    await lease.beat();
    // One under way may take a while; the clients do, too.
    const jobsEnded = this.parts.jobRunner.stop();
    await this.app.get(ClientGateway).drain(this.settings.drain);
    await jobsEnded;
    await this.release();
  }

  /** Stops at once: its lease is lost, its clients are the peers' by now. */
  async abandon(): Promise<void> {
    if (this.isStopping) return;
    this.isStopping = true;
    this.parts.readiness.isReady = false;
    this.app.get(ClientGateway).cut();
    this.app.getHttpServer().closeAllConnections();
    await this.release();
  }

  private async release(): Promise<void> {
    const { parts } = this;
    await parts.jobRunner.stop();
    await Promise.all([this.app.close(), this.sockets.endAll()]);
    await Promise.all([parts.orders.stop(), parts.heartbeats.stop(), parts.sessions.stop(), parts.presence.stop()]);
    await parts.delivery.stop();
    await parts.lease.stop();
    await parts.listener.stop();
    await parts.database.close();
  }
}

/** A database that may forget what it acknowledged breaks the first promise: production refuses it. */
async function assertDurable(settings: ResolvedSettings, { database, log }: Parts): Promise<void> {
  const faults = await withRetry(() => durabilityFaults(database), { deadlineMs: 10_000 });
  if (faults.length === 0) return;
  const message = `PostgreSQL runs with ${faults.join(', ')}: acknowledged messages can be lost in a crash`;
  if (settings.isProduction) throw new Error(message);
  log.warn(message);
}

async function createApp(settings: ResolvedSettings, parts: Parts): Promise<NestExpressApplication> {
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
  describeApi(app, settings.admin.keys.length > 0);
  return app;
}
