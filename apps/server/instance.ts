import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { RequestHandler } from 'express';
import { setTimeout as delay } from 'node:timers/promises';
import helmet from 'helmet';
import { JobRunner, Schedule } from '#cleanup';
import type { ResolvedSettings } from '#config';
import { withRetry } from '#database';
import { ClientGateway, SocketAdapter } from '#gateway';
import { turnAway } from '#http';
import type { Readiness } from '#health';
import { mayMendSequences, mendSequences } from '#message-persistence';
import { METRICS_PATH, NestLog, type Logger } from '#observability';
import { Fault } from '#protocol';
import { assemble, type Parts, type Surroundings } from './assemble.js';
import { checkDatabase, migrateDatabase } from './check-database.js';
import { describeApi } from './describe-api.js';
import { closeDoors, makeDoors } from './doors.js';
import { frontPage } from './front-page.js';
import { HttpAdapter } from './http-adapter.js';
import { showInstance } from './instance-metrics.js';
import type { Metrics } from './metrics.js';
import { OpenSockets } from './open-sockets.js';
import { TrunklineModule } from './trunkline.module.js';

/** How long an end waits for jobs, and then for the last statements. */
const LAST_WAIT_MS = 2_000;

/** One running server: started in order, stopped in reverse. */
export class Instance {
  private isStopping = false;
  private readonly sockets: OpenSockets;
  private readonly jobRunner: JobRunner;

  private constructor(
    private readonly settings: ResolvedSettings,
    private readonly parts: Parts,
    private readonly app: NestExpressApplication,
  ) {
    this.sockets = new OpenSockets(app.getHttpServer());
    this.jobRunner = app.get(JobRunner);
  }

  /** Listens at once, so that probes are answered; takes clients and requests in when everything has started. */
  static async start(settings: ResolvedSettings, logger: Logger, surroundings: Surroundings): Promise<Instance> {
    surroundings.readiness.state = 'starting';
    const onDisconnect = (connectionId: string): void => app.get(ClientGateway).disconnect(connectionId);
    const parts = assemble(settings, logger, { ...surroundings, onDisconnect });
    showInstance(parts.meter, parts);
    const app = await createApp(settings, parts, surroundings.metrics);
    const instance = new Instance(settings, parts, app);
    try {
      await app.init();
      parts.requestLog.watch(app.getHttpServer());
      await app.listen(settings.port, settings.host);
      await instance.begin();
      return instance;
    } catch (error) {
      // What went wrong is told by whoever started it; what goes wrong in tidying up is only a consequence.
      await instance.release().catch((more: unknown) => parts.log.debug({ err: more }, 'not released'));
      throw error;
    }
  }

  private async begin(): Promise<void> {
    const { settings, parts, app } = this;
    await migrateDatabase(settings.database);
    await checkDatabase(settings, parts);
    await parts.lease.assertIdIsFree();
    await makeDays(parts);
    await startBehindNoTable(parts);
    await parts.listener.start();
    await parts.lease.start();
    await parts.sharedLimits.start();
    parts.delivery.start();
    for (const part of [parts.heartbeats, parts.sessions, parts.presence, parts.suspects]) part.start();
    app.get(Schedule).start();
    app.get(ClientGateway).open();
    parts.readiness.state = 'ready';
    // Not before it can obey.
    parts.orders.start();
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
    readiness.state = 'draining';
    lease.isDraining = true;
    await lease.beat();
    // One under way may take a while; the clients do, too.
    const jobsEnded = this.jobRunner.stop();
    await this.app.get(ClientGateway).drain(this.settings.drain);
    await this.atMost(LAST_WAIT_MS, jobsEnded);
    await this.closeDoors();
    await this.atMost(LAST_WAIT_MS, this.release());
  }

  /** Stops at once: its lease is lost, its clients are the peers' by now. */
  async abandon(): Promise<void> {
    if (this.isStopping) return;
    this.isStopping = true;
    this.parts.readiness.state = 'starting';
    this.app.get(ClientGateway).cut();
    this.app.getHttpServer().closeAllConnections();
    await this.closeDoors();
    await this.atMost(LAST_WAIT_MS, this.release());
  }

  private async closeDoors(): Promise<void> {
    await Promise.all([this.app.close(), this.sockets.endAll()]);
  }

  /**
   * Waits for what may hang on a connection to the database that has become silent. It ends by itself when the time of its
   * statement is up, which is longer than a port may stay closed or a process may take to end.
   */
  private async atMost(ms: number, work: Promise<void>): Promise<void> {
    const reported = work.catch((error: unknown) => this.parts.log.warn({ err: error }, 'not ended cleanly'));
    await Promise.race([reported, delay(ms, undefined, { ref: false })]);
  }

  private async release(): Promise<void> {
    const { parts } = this;
    await this.jobRunner.stop();
    await Promise.all([parts.orders.stop(), parts.heartbeats.stop(), parts.sessions.stop(), parts.presence.stop()]);
    await parts.delivery.stop();
    await parts.sharedLimits.stop();
    await parts.lease.stop();
    await parts.listener.stop();
    await parts.suspects.stop();
    await parts.database.close();
  }
}

/** A start never waits for a day: until the job has made it, what is stored on it goes to the default partition. */
async function makeDays({ retention, log }: Parts): Promise<void> {
  try {
    const { kept, failed } = await retention.makePartitions(0);
    if (kept.length + failed.length > 0) log.warn({ partitions: [...kept, ...failed] }, 'partitions not made yet');
  } catch (error) {
    log.warn({ err: error }, 'partitions not made yet');
  }
}

/** A sequence that is behind its table would give out numbers that are taken. A role that may not set it is told so. */
async function startBehindNoTable({ database, log }: Parts): Promise<void> {
  const lookAgain = 'sequences not looked at: run `npx trunkline after-restore` as the owner of the schema';
  const patiently = <T>(work: () => Promise<T>): Promise<T> => withRetry(work, { deadlineMs: 10_000 });
  try {
    if (!(await patiently(() => mayMendSequences(database)))) return log.warn(lookAgain);
    for (const mended of await patiently(() => mendSequences(database)))
      log.warn(mended, 'a sequence was behind its table, and is at its end now');
  } catch (error) {
    log.warn({ err: error }, lookAgain);
  }
}

async function createApp(
  settings: ResolvedSettings,
  parts: Parts,
  { mainEndpoint }: Metrics,
): Promise<NestExpressApplication> {
  const module = TrunklineModule.forRoot(settings, parts);
  const app = await NestFactory.create<NestExpressApplication>(module, new HttpAdapter(), {
    logger: new NestLog(parts.log),
    bodyParser: false,
    abortOnError: false,
  });
  const doors = makeDoors(settings, parts);
  closeDoors(app, doors, settings.admission.maxConnections);
  app.use(refuseUnready(parts.readiness));
  app.use(doors.doorkeeper.handle);
  app.use(helmet());
  app.use(frontPage(settings.rest.hasDocs));
  if (mainEndpoint) app.use(METRICS_PATH, mainEndpoint.handle);
  app.useWebSocketAdapter(new SocketAdapter(app, { maxBodyBytes: settings.body.maxBytes, ...settings.connections }));
  if (settings.rest.hasDocs) describeApi(app, settings.admin.keys.length > 0);
  return app;
}

/** While it starts there is nothing but health to ask; an instance that drains answers, and asks not to be asked again. */
function refuseUnready(readiness: Readiness): RequestHandler {
  return (request, response, next) => {
    // So that a back end that keeps its connection asks another instance next.
    if (!readiness.isReady) response.setHeader('Connection', 'close');
    if (readiness.state !== 'starting' || /^\/health(\/|$)/.test(request.path)) next();
    else turnAway(request, response, new Fault('UNAVAILABLE', 'this instance is starting'));
  };
}
