import { io } from 'socket.io-client';
import { tokenFor } from '../../../support/test-client.js';
import { ATTACKERS_ADDRESS } from '../lair.js';
import type { ExperienceLedger } from './experience-ledger.js';

/** Every other newcomer shares the address of the attacker, as behind a proxy that the server does not know of. */
const ADDRESSES = ['127.0.0.1', ATTACKERS_ADDRESS];
const DEADLINE_MS = 10_000;

/**
 * Honest users who connect during the attack, one after the other. Socket.IO tries again for them as it usually does.
 */
export class Newcomers {
  private count = 0;

  constructor(
    private readonly url: string,
    private readonly ledger: () => ExperienceLedger,
  ) {}

  /** Connects with a token, and disconnects once the user was let in. */
  async come(): Promise<void> {
    const user = `newcomer-${++this.count}`;
    const localAddress = ADDRESSES[this.count % ADDRESSES.length] ?? '';
    const ledger = this.ledger();
    const startedAt = performance.now();
    const auth = { token: tokenFor({ user, grants: [] }), deviceId: 'phone' };
    // The types of Socket.IO's client do not know the options that it passes to its WebSocket.
    const options = { transports: ['websocket'], forceNew: true, auth, localAddress };
    const socket = io(this.url, options);
    const isIn = await new Promise<boolean>((resolve) => {
      socket.once('ready', () => resolve(true));
      setTimeout(resolve, DEADLINE_MS, false).unref();
    });
    socket.close();
    if (isIn) ledger.entries.add(performance.now() - startedAt);
    else ledger.refuse(`a newcomer from ${localAddress} was not let in`);
  }
}
