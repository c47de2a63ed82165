import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { readGivenSettings, readSettings, type Settings } from '#config';
import { InstanceCommands } from '#connection-manager';
import { Delivery, type Author } from '#delivery';
import type { Readiness } from '#health';
import { createLogger, type Logger } from '#observability';
import { BackendPublish, parse, ProtocolError, type Published } from '#protocol';
import { Entrance } from '../http/entrance.js';
import { InstanceHost } from '../instance/instance-host.js';
import type { Instance } from '../instance/instance.js';
import { TransactionalPublisher, type Queryable } from './transaction.js';
import type { TrunklineOptions } from './trunkline-options.js';

/** Injection token of the {@link TrunklineOptions}. */
export const TRUNKLINE_OPTIONS = Symbol('trunkline options');

const DEFAULT_PATH = '/trunkline';
const AUTHOR: Author = { publisher: 'app', sender: null };

export interface TrunklineHealth {
  /** `starting` also while a lost identity is being replaced. */
  readonly state: Readiness['state'];
  /** Undefined while there is no instance. */
  readonly instanceId: string | undefined;
}

/**
 * Trunkline in a host application. It starts before the application listens and drains before the application closes
 * its server. When its lease is lost it goes on under a new identity, and the application notices nothing.
 */
@Injectable()
export class Trunkline implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private read: Settings | undefined;
  private running: { readonly host: InstanceHost; readonly logger: Logger; readonly drainMs: number } | undefined;

  constructor(
    @Inject(TRUNKLINE_OPTIONS) private readonly options: TrunklineOptions,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { settings } = this;
    const logger = this.options.logger ?? createLogger(settings.logLevel, settings.logFormat);
    const entrance = Entrance.under(pathOf(this.options), this.server());
    const host = new InstanceHost(settings, logger, entrance, {
      onServing: () => undefined,
      onFailure: (error) => {
        logger.fatal({ err: error }, 'no new identity');
        this.tell(logger, () => this.options.onFailure?.(error));
      },
      onDrain: () => void this.stop().then(() => this.tell(logger, () => this.options.onDrained?.())),
    });
    this.running = { host, logger, drainMs: settings.drain.timeoutMs };
    try {
      await host.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  /**
   * Publishes a message. The promise resolves when the message is stored.
   * @throws ProtocolError, whose code says what to do; UNAVAILABLE while there is no instance
   */
  async publish(message: BackendPublish): Promise<Published> {
    const { publisher } = this.instance().get(Delivery);
    return publisher.publish(parse(BackendPublish, message), undefined, 0, AUTHOR);
  }

  /** Publishes inside a transaction of the host: `in(manager).publish(message)`, with TypeORM or a client of `pg`. */
  in(transaction: Queryable): TransactionalPublisher {
    return new TransactionalPublisher(transaction, this.settings.database.schema);
  }

  /** Closes every connection of a user, on whichever instance; it may come back. @returns how many there are */
  async disconnectUser(user: string): Promise<number> {
    return this.instance().get(InstanceCommands).disconnectUser(user);
  }

  health(): TrunklineHealth {
    const host = this.running?.host;
    return { state: host?.readiness.state ?? 'starting', instanceId: host?.current?.id };
  }

  /** The settings are read when they are first needed. @throws SettingsError */
  private get settings(): Settings {
    const given = this.options.settings;
    return (this.read ??= given ? readGivenSettings(given) : readSettings());
  }

  /** Calls back into the application, whose errors are its own: they must not end the process. */
  private tell(logger: Logger, callback: () => unknown): void {
    Promise.resolve()
      .then(callback)
      .catch((error: unknown) => logger.error({ err: error }, 'a callback of the application failed'));
  }

  private instance(): Instance {
    const instance = this.running?.host.current;
    if (!instance) throw new ProtocolError('UNAVAILABLE', 'this application has no instance of Trunkline just now');
    return instance;
  }

  private server(): Server {
    const adapter = this.adapterHost.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    if (!adapter) throw new Error('TrunklineModule needs an application with an HTTP server: NestFactory.create');
    return adapter.getHttpServer() as Server;
  }

  /** Drains the instance. An application that closes does not wait longer than the drain timeout. */
  private async stop(): Promise<void> {
    if (!this.running) return;
    const { host, logger, drainMs } = this.running;
    const stopped = host.stop().catch((error: unknown) => logger.error({ err: error }, 'not ended cleanly'));
    await Promise.race([stopped, delay(drainMs, undefined, { ref: false })]);
  }
}

function pathOf({ path = DEFAULT_PATH }: TrunklineOptions): string {
  if (/^(\/[\w.~-]+)+$/.test(path)) return path;
  throw new Error(`TrunklineModule: path must be like ${DEFAULT_PATH}, and is ${path}`);
}
