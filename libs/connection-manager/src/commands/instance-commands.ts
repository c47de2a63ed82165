import { withRetry, type Database, type Statement } from '#database';
import { addressTo } from '../notifier/hint.js';
import type { Notifier } from '../notifier/notifier.port.js';
import { Repeater } from '../repeater.js';
import {
  REMOVE_LOST_COMMANDS,
  SEND_DISCONNECT,
  SEND_DISCONNECT_USER,
  SEND_DRAIN,
  TAKE_COMMANDS,
  type SentCommandRow,
} from './sql/instance-commands.sql.js';

export interface InstanceCommandsOptions {
  readonly instanceId: string;
  readonly everyMs: number;
  readonly notifier: Notifier;
  /** Called to close a connection of this instance, which may be gone already. */
  readonly onDisconnect: (connectionId: string) => void;
  /** Called to end this instance as on SIGTERM. */
  readonly onDrain: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Operators may send a command to any instance through any other. A command is a row, which its instance takes out and
 * executes within `everyMs`. A hint only makes the instance look sooner.
 */
export class InstanceCommands {
  private readonly repeater: Repeater;

  constructor(
    private readonly database: Database,
    private readonly options: InstanceCommandsOptions,
  ) {
    this.repeater = new Repeater({ everyMs: options.everyMs, run: () => this.execute(), onError: options.onError });
    options.notifier.on('commands', () => this.repeater.soon());
  }

  start(): void {
    this.repeater.start();
  }

  stop(): Promise<void> {
    return this.repeater.stop();
  }

  /** Has a connection closed. @returns how many will be: 1, or 0 if there is no such connection */
  disconnect(connectionId: string): Promise<number> {
    return this.send(SEND_DISCONNECT, connectionId);
  }

  /** Has every connection of a user closed. @returns how many there are */
  disconnectUser(user: string): Promise<number> {
    return this.send(SEND_DISCONNECT_USER, user);
  }

  /** Has an instance drained. @returns false if there is no such instance */
  async drain(instanceId: string): Promise<boolean> {
    return (await this.send(SEND_DRAIN, instanceId)) > 0;
  }

  private async send(command: Statement<SentCommandRow>, target: string): Promise<number> {
    const { instanceId, notifier } = this.options;
    const [row] = await withRetry(() => this.database.rows(command, [target]), { deadlineMs: 2_000 });
    const instances = row?.instances ?? [];
    if (instances.includes(instanceId)) this.repeater.soon();
    await notifier.tell(addressTo(instances, { kind: 'commands' }));
    // The command is on its way by now; what is left over of others goes with the next one.
    await this.database.rows(REMOVE_LOST_COMMANDS).catch(this.options.onError);
    return row?.ordered ?? 0;
  }

  private async execute(): Promise<void> {
    const commands = await this.database.rows(TAKE_COMMANDS, [this.options.instanceId]);
    for (const { kind, connection_id, is_stale } of commands) {
      if (is_stale) continue;
      if (kind === 'drain') this.options.onDrain();
      else this.options.onDisconnect(connection_id);
    }
  }
}
