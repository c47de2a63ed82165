import type { HistoryEvent, World } from '../history/event.js';

const NOBODY: World = { event: 'world', epochMs: 0, groups: {}, devices: [] };

/** Knows which devices there are, and which channels are for whom. */
export class Recipients {
  world = NOBODY;
  private readonly byChannel = new Map<string, ReadonlySet<string>>();

  take(event: HistoryEvent): void {
    if (event.event !== 'world') return;
    this.world = event;
    this.byChannel.clear();
  }

  /** The devices that a channel is for. */
  of(channel: string): ReadonlySet<string> {
    let known = this.byChannel.get(channel);
    if (!known) {
      known = new Set(this.world.devices.filter((device) => this.isFor(channel, device)));
      this.byChannel.set(channel, known);
    }
    return known;
  }

  private isFor(channel: string, device: string): boolean {
    const user = device.slice(0, device.indexOf('/'));
    if (channel === 'broadcast' || channel === `user:${user}`) return true;
    return this.world.groups[channel]?.includes(user) ?? false;
  }
}
