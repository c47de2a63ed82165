import type { Type } from '@nestjs/common';
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
import { ProtocolError } from '#protocol';
import { assemble, type Parts, type Surroundings } from './assemble.js';
import { checkDatabase, migrateDatabase } from '../setup/check-database.js';
import { describeApi } from '../http/describe-api.js';
import type { Entrance } from '../http/entrance.js';
import { closeDoors, makeDoors } from '../http/doors.js';
import { frontPage } from '../http/front-page.js';
import { HttpAdapter } from '../http/http-adapter.js';
import { showInstance } from './instance-metrics.js';
import { OpenSockets } from '../http/open-sockets.js';
import { InstanceModule } from './instance.module.js';

/** The time for which a stop waits for the jobs under way, and afterwards for the last statements. */
const LAST_WAIT_MS = 2_000;

/** The parts of the process that an instance runs in, and that outlast it. */
interface InstanceSurroundings extends Surroundings {
  readonly entrance: Entrance;
}

/** One running server: its parts start in order and stop in reverse. */
export class Instance {
  /** The end of this instance, whichever way it ends; undefined while it runs. */
  private ended: Promise<void> | undefined;
  private readonly sockets: OpenSockets;
  private readonly jobRunner: JobRunner;

  private constructor(
    private readonly settings: ResolvedSettings,
    private readonly parts: Parts,
    private readonly app: NestExpressApplication,
    private readonly entrance: Entrance,
  ) {
    this.sockets = new OpenSockets(app.getHttpServer());
    this.jobRunner = app.get(JobRunner);
  }

  /** Opens the entrance at once, so that probes are answered; lets clients and requests in when everything has started. */
  static async start(
    settings: ResolvedSettings,
    logger: Logger,
    surroundings: InstanceSurroundings,
  ): Promise<Instance> {
    surroundings.readiness.state = 'starting';
    const onDisconnect = (connectionId: string): void => app.get(ClientGateway).disconnect(connectionId);
    const parts = assemble(settings, logger, { ...surroundings, onDisconnect });
    showInstance(parts.meter, parts);
    const app = await createApp(settings, parts, surroundings);
    const instance = new Instance(settings, parts, app, surroundings.entrance);
    try {
      await app.init();
      parts.requestLog.watch(app.getHttpServer());
      surroundings.entrance.lead(app.getHttpServer());
      await surroundings.entrance.open();
      await instance.begin();
      return instance;
    } catch (error) {
      // The caller reports the error. An error while tidying up is only a consequence of it.
      await instance.undo().catch((more: unknown) => parts.log.debug({ err: more }, 'not released'));
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
    await parts.session.start();
    await parts.lease.start();
    await parts.sharedLimits.start();
    parts.delivery.start();
    for (const part of [parts.heartbeats, parts.sessions, parts.presence, parts.suspects]) part.start();
    app.get(Schedule).start();
    app.get(ClientGateway).open();
    parts.readiness.state = 'ready';
    // Commands are read only now, because only now can the instance carry them out.
    parts.commands.start();
  }

  get id(): string {
    return this.parts.instanceId;
  }

  /** A provider of this instance. */
  get<T>(type: Type<T>): T {
    return this.app.get(type);
  }

  /** Drains the instance and stops it, within the drain timeout. */
  stop(): Promise<void> {
    return (this.ended ??= this.drainAndStop());
  }

  /** Stops the instance at once, because its lease is lost and its peers have taken its clients over. */
  abandon(): Promise<void> {
    return (this.ended ??= this.stopAtOnce());
  }

  private async drainAndStop(): Promise<void> {
    const { lease, readiness } = this.parts;
    readiness.state = 'draining';
    lease.isDraining = true;
    await lease.beat();
    // A job under way may take a while. It ends while the clients are being drained.
    const jobsEnded = this.jobRunner.stop();
    await this.app.get(ClientGateway).drain(this.settings.drain);
    await this.atMost(LAST_WAIT_MS, jobsEnded);
    const closed = this.entrance.close();
    await this.closeDoors();
    this.entrance.lead(undefined);
    this.entrance.cut();
    await closed;
    await this.atMost(LAST_WAIT_MS, this.release());
  }

  private async stopAtOnce(): Promise<void> {
    this.parts.readiness.state = 'starting';
    this.entrance.lead(undefined);
    this.app.get(ClientGateway).cut();
    this.sockets.cutAnswers();
    await this.closeDoors();
    await this.atMost(LAST_WAIT_MS, this.release());
  }

  private async closeDoors(): Promise<void> {
    await Promise.all([this.app.close(), this.sockets.endAll()]);
  }

  /**
   * Waits a limited time for work that may hang on a silent connection to the database. Such work ends when its
   * statement times out, which takes longer than a port may stay closed or a process may take to end.
   */
  private async atMost(ms: number, work: Promise<void>): Promise<void> {
    const reported = work.catch((error: unknown) => this.parts.log.warn({ err: error }, 'not ended cleanly'));
    await Promise.race([reported, delay(ms, undefined, { ref: false })]);
  }

  /** Takes back what a start that failed has begun. */
  private async undo(): Promise<void> {
    this.entrance.lead(undefined);
    this.app.get(ClientGateway).cut();
    await Promise.all([this.app.close(), this.release()]);
  }

  /** Stops every part, also if another could not be stopped: a session left open would hold the instance's lock. */
  private async release(): Promise<void> {
    const { commands, heartbeats, sessions, presence, delivery, sharedLimits, lease, session, suspects, database } =
      this.parts;
    const inOrder = [
      () => this.jobRunner.stop(),
      () => Promise.all([commands.stop(), heartbeats.stop(), sessions.stop(), presence.stop()]),
      () => delivery.stop(),
      () => sharedLimits.stop(),
      () => lease.stop(),
      () => session.stop(),
      () => suspects.stop(),
      () => database.close(),
    ];
    const failures: unknown[] = [];
    for (const stop of inOrder) await stop().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, 'not every part could be stopped');
  }
}

/**
 * Makes the partitions of today. A start never waits for them: until a job has made a partition, what is stored on that
 * day goes to the default partition.
 */
async function makeDays({ retention, log }: Parts): Promise<void> {
  try {
    const { kept, failed } = await retention.makePartitions(0);
    if (kept.length + failed.length > 0) log.warn({ partitions: [...kept, ...failed] }, 'partitions not made yet');
  } catch (error) {
    log.warn({ err: error }, 'partitions not made yet');
  }
}

/**
 * Moves every sequence that is behind its table forward, because it would hand out numbers that are taken. A role
 * without the right to do so gets a warning in the log.
 */
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
  { metrics: { mainEndpoint }, entrance: { path, isInHost } }: InstanceSurroundings,
): Promise<NestExpressApplication> {
  const module = InstanceModule.forRoot(settings, parts);
  const app = await NestFactory.create<NestExpressApplication>(module, new HttpAdapter(), {
    ...(isInHost ? {} : { logger: new NestLog(parts.log) }),
    bodyParser: false,
    abortOnError: false,
  });
  const doors = makeDoors(settings, parts);
  closeDoors(app, doors);
  app.use(refuseUnready(parts.readiness));
  app.use(doors.doorkeeper.handle);
  app.use(helmet());
  app.use(frontPage(path, settings.rest.hasDocs));
  if (mainEndpoint) app.use(METRICS_PATH, mainEndpoint.handle);
  app.useWebSocketAdapter(new SocketAdapter(app, { maxBodyBytes: settings.body.maxBytes, ...settings.connections }));
  if (settings.rest.hasDocs) describeApi(app, path, settings.admin.keys.length > 0);
  return app;
}

/**
 * Answers only health requests while the instance starts. While it drains, requests are answered, and the clients asked
 * to close their connections.
 */
function refuseUnready(readiness: Readiness): RequestHandler {
  return (request, response, next) => {
    // A back end that keeps its connection open then sends its next request to another instance.
    if (!readiness.isReady) response.setHeader('Connection', 'close');
    if (readiness.state !== 'starting' || /^\/health(\/|$)/.test(request.path)) next();
    else turnAway(request, response, new ProtocolError('UNAVAILABLE', 'this instance is starting'));
  };
}
