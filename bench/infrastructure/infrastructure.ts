import { Postgres } from './postgres.js';
import { Redis } from './redis.js';

/** The services that the systems need. Each is started when the first system asks for it. */
export class Infrastructure {
  private startedPostgres: Promise<Postgres> | undefined;
  private startedRedis: Promise<Redis> | undefined;

  /** @param postgresBin see {@link Postgres.start} */
  constructor(private readonly postgresBin?: string) {}

  postgres(): Promise<Postgres> {
    return (this.startedPostgres ??= Postgres.start(this.postgresBin));
  }

  redis(): Promise<Redis> {
    return (this.startedRedis ??= Redis.start());
  }

  /** The versions of the services. Those that the run has not started are left out. */
  async versions(): Promise<{ postgres?: string; redis?: string }> {
    const postgres = (await this.startedPostgres)?.version;
    const redis = (await this.startedRedis)?.version;
    return { ...(postgres === undefined ? {} : { postgres }), ...(redis === undefined ? {} : { redis }) };
  }

  async pids(): Promise<{ postgres?: number; redis?: number }> {
    const postgres = (await this.startedPostgres)?.pid;
    const redis = (await this.startedRedis)?.pid;
    return { ...(postgres === undefined ? {} : { postgres }), ...(redis === undefined ? {} : { redis }) };
  }

  async stop(): Promise<void> {
    const started = await Promise.allSettled([this.startedPostgres, this.startedRedis]);
    for (const service of started) if (service.status === 'fulfilled') await service.value?.stop();
  }
}
