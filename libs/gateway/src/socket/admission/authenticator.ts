import type { Socket } from 'socket.io';
import type { Tokens } from '#auth';
import type { Login, Sessions } from '#connection-manager';
import { rateLimited, type SharedLimits } from '#limits';
import { ProtocolError, type Ack } from '#protocol';
import type { ClientSocket } from '../client-socket.js';
import type { Admission, Permit } from './admission.js';
import type { ClientAddress } from './client-address.js';
import { readHandshake, type HandshakeResult } from './handshake.js';
import type { NewTransports } from './new-transports.js';
import type { Refusals } from './refusals.js';

/** A client between its handshake and its connection. */
export interface AcceptedHandshake {
  readonly client: ClientSocket;
  readonly resume: Ack;
  /** Resolves when the client's session is open, and rejects if it cannot be opened. */
  readonly opening: Promise<void>;
}

interface AuthenticatorOptions {
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly logins: SharedLimits['logins'];
  readonly admission: Admission;
  readonly address: ClientAddress;
  readonly newTransports: NewTransports;
  readonly refusals: Refusals;
  /** Throws DRAINING while the instance lets no client in any more. */
  readonly assertNotDraining: () => void;
  readonly toClient: (socket: Socket, handshake: HandshakeResult) => ClientSocket;
}

/** Authenticates CONNECTs: one for each transport, with a good token, a permit and a session. */
export class Authenticator {
  /** The transports whose handshake was accepted; each may have only one. */
  private readonly taken = new WeakSet<Socket['conn']>();

  constructor(private readonly options: AuthenticatorOptions) {}

  /**
   * Authenticates a CONNECT, and closes the transport on a second one. Socket.IO takes a second one as a violation only
   * once the first is through, which needs a turn of the event loop even if nothing here waits. Otherwise hundreds of
   * CONNECTs in one TCP segment would each become a connection. Whoever is let in finds the result in `socket.data`: an
   * {@link AcceptedHandshake}, or the reason why it has to go.
   */
  async authenticate(socket: Socket, next: (error?: Error) => void): Promise<void> {
    if (this.taken.has(socket.conn)) {
      socket.conn.close();
      return next(new Error('a transport carries one connection'));
    }
    let accepted: AcceptedHandshake | undefined;
    try {
      accepted = this.accept(socket);
      await this.assertSession(accepted);
      socket.data = accepted;
      next();
      const { client } = accepted;
      // Socket.IO lets the socket in on the next tick as well; this runs after that.
      process.nextTick(() => client.leaveUnlessIn());
    } catch (error) {
      accepted?.client.leaveUnlessIn();
      this.options.refusals.refuse(socket, error, next);
    }
  }

  /** Reads the handshake and takes a permit without waiting, because a second CONNECT could come in between. */
  private accept(socket: Socket): AcceptedHandshake {
    const { tokens, address, admission, newTransports, assertNotDraining, toClient } = this.options;
    assertNotDraining();
    const handshake = readHandshake(socket, tokens, address.of(socket.request));
    const client = toClient(socket, handshake);
    const permit = (client.permit = admission.enter(client));
    this.taken.add(socket.conn);
    newTransports.setHasGoodToken(socket.request.socket, true);
    return { client, resume: handshake.resume, opening: this.openSession(handshake.login, permit) };
  }

  /** Opens the session, after the limits of all instances together have let it pass, which mostly needs no waiting. */
  private async openSession(login: Login, permit: Permit): Promise<void> {
    const { logins, admission, sessions } = this.options;
    const taken = logins.take(login.user);
    const waitMs = typeof taken === 'number' ? taken : await taken;
    if (waitMs > 0) throw rateLimited('the user has logged in too often', waitMs);
    const entering = admission.enterCluster(permit);
    if (entering) await entering;
    return sessions.open(login);
  }

  /**
   * Refuses a session that has ended. While the database is out of reach, the client is let in and then hung up on,
   * like any connection that cannot be opened.
   */
  private async assertSession({ client, opening }: AcceptedHandshake): Promise<void> {
    try {
      await opening;
    } catch (error) {
      if (!(error instanceof ProtocolError)) return;
      this.taken.delete(client.socket.conn);
      this.options.newTransports.setHasGoodToken(client.socket.request.socket, false);
      throw error;
    }
    this.options.assertNotDraining();
  }
}
