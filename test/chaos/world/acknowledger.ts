import type { Socket } from 'socket.io-client';
import type { Ack } from '#protocol';
import type { Happening } from '../history/event.js';

const INTERVAL_MS = 100;
const ANSWER_TIMEOUT_MS = 15_000;

export interface AcknowledgerOptions {
  readonly device: string;
  readonly record: (happening: Happening) => void;
  /**
   * If true, acknowledgements are merged, and the server's confirmation is awaited. Otherwise each message batch is
   * acknowledged, and no confirmation is awaited.
   */
  readonly wantsConfirmation: boolean;
}

/** Acknowledges on one connection what the application has processed. */
export class Acknowledger {
  private pending: Ack = {};
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    private readonly socket: Socket,
    private readonly connection: string,
    private readonly options: AcknowledgerOptions,
  ) {}

  processed(ack: Ack): void {
    if (this.isStopped) return;
    if (!this.options.wantsConfirmation) {
      this.socket.emit('ack', ack);
      return;
    }
    Object.assign(this.pending, ack);
    this.timer ??= setTimeout(() => this.flush(), INTERVAL_MS);
  }

  /** Sends at once what has waited, as before leaving. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const positions = this.pending;
    this.pending = {};
    if (this.isStopped || Object.keys(positions).length === 0 || !this.socket.connected) return;
    void this.confirm(positions);
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private async confirm(positions: Ack): Promise<void> {
    const { device, record } = this.options;
    const { connection } = this;
    record({ event: 'ack', device, connection, positions });
    try {
      const answer = (await this.socket.timeout(ANSWER_TIMEOUT_MS).emitWithAck('ack', positions)) as { ok: boolean };
      if (answer.ok) record({ event: 'ack-saved', device, connection, positions });
    } catch {
      // Without a confirmation the acknowledgement may be stored or not, and nothing may be concluded from it.
    }
  }
}
