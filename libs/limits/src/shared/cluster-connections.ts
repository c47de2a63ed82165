import { ProtocolError } from '#protocol';
import type { SharedPlaces } from './shared-places.js';

/** The one key under which the connections of all users are counted. */
const EVERYBODY = '';

/** Limits the connections of all instances together, in total and for each user. */
export class ClusterConnections {
  constructor(
    private readonly all: SharedPlaces,
    private readonly users: SharedPlaces,
  ) {}

  /** Says why no connection of any user may open at present. Undefined means that there may be a place. */
  shortage(): ProtocolError | undefined {
    const waitMs = this.all.isOn ? this.all.shortage(EVERYBODY) : 0;
    return waitMs > 0 ? clusterFull(waitMs) : undefined;
  }

  /** False means that neither is limited, so nobody needs to ask. */
  get isOn(): boolean {
    return this.all.isOn || this.users.isOn;
  }

  /**
   * Takes a place, which {@link leave} gives back.
   * @throws ProtocolError USER_FULL, CLUSTER_FULL, each with the time to come back after
   */
  async enter(user: string): Promise<void> {
    const userMs = this.users.isOn ? await this.users.enter(user) : 0;
    if (userMs > 0) throw userFull(userMs);
    const allMs = this.all.isOn ? await this.all.enter(EVERYBODY) : 0;
    if (allMs === 0) return;
    if (this.users.isOn) this.users.leave(user);
    throw clusterFull(allMs);
  }

  leave(user: string): void {
    if (this.users.isOn) this.users.leave(user);
    if (this.all.isOn) this.all.leave(EVERYBODY);
  }
}

function userFull(retryAfterMs: number): ProtocolError {
  return new ProtocolError('USER_FULL', 'the user has as many connections on all instances together as it may', {
    retryAfterMs,
  });
}

function clusterFull(retryAfterMs: number): ProtocolError {
  return new ProtocolError('CLUSTER_FULL', 'all instances together have as many connections as they may', {
    retryAfterMs,
  });
}
