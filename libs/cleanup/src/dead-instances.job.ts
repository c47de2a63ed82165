import { Inject, Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Peers } from '#connection-manager';
import { LOGGER, type Logger } from '#observability';

const EVERY_MS = 1_000;

/**
 * Removes what instances that died left in the registry. The removal itself is atomic and happens once whoever does
 * it, so every instance looks, and finding nobody writes nothing.
 */
@Injectable()
export class DeadInstancesJob {
  private isRunning = false;

  constructor(
    @Inject(Peers) private readonly peers: Peers,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Interval(EVERY_MS)
  async tick(): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    try {
      const removed = await this.peers.removeDead();
      if (removed.length > 0) this.logger.warn({ removed }, 'removed dead instances');
    } catch (error) {
      this.logger.debug({ err: error }, 'could not look for dead instances');
    } finally {
      this.isRunning = false;
    }
  }
}
