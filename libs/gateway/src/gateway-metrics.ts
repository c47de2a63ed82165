import { countErrors } from '#http';
import { countLimited } from '#limits';
import type { Count, Counts, Meter } from '#observability';
import type { ErrorName } from '#protocol';

/** The reasons that Socket.IO gives for the end of a connection; any other reason counts as `other`. */
const ENDS = new Set([
  'transport close',
  'transport error',
  'ping timeout',
  'parse error',
  'client namespace disconnect',
  'server namespace disconnect',
  'forced close',
  'forced server close',
  'server shutting down',
]);
/**
 * Why a client could not connect. Before the upgrade it is refused in HTTP: `turned_away` while draining, full or
 * overloaded, `misfit` for a wrong origin, version or transport.
 */
export type ConnectFailure = ErrorName | 'turned_away' | 'misfit';

export interface ClientCounts {
  /** How many connections are open. */
  readonly size: number;
  /** How many WebSockets are open, also those whose client has not been let in. */
  readonly transports: number;
}

/** The reasons whose counters are shown from the start; others appear when they first happen. */
const FAILURES: readonly ConnectFailure[] = [
  ...([
    'turned_away',
    'misfit',
    'TOKEN_MISSING',
    'TOKEN_INVALID',
    'TOKEN_EXPIRED',
    'SESSION_ENDED',
    'BAD_REQUEST',
  ] as const),
  ...(['UNAVAILABLE', 'OVERLOADED', 'DRAINING', 'INSTANCE_FULL', 'USER_FULL', 'ADDRESS_FULL', 'INTERNAL'] as const),
];

export class GatewayMetrics {
  readonly connects: Count;
  readonly connectFailures: Counts<ConnectFailure>;
  readonly closings: Counts<ErrorName>;
  readonly errors: Counts<ErrorName>;
  readonly limited: Counts<string>;
  private readonly ends: Counts<string>;

  constructor(meter: Meter, clients: ClientCounts, maxConnections: number) {
    meter.gauge({ name: 'trunkline_connections', help: 'Connections of clients that are open' }, () => clients.size);
    meter.gauge(
      { name: 'trunkline_transports', help: 'WebSockets that are open, with those whose client is not let in (yet)' },
      () => clients.transports,
    );
    meter.gauge(
      { name: 'trunkline_max_connections', help: 'MAX_CONNECTIONS, after which more are refused' },
      () => maxConnections,
    );
    this.connects = meter.counter({ name: 'trunkline_connects_total', help: 'Connections that became ready' });
    this.connectFailures = meter.counters(
      {
        name: 'trunkline_connect_failures_total',
        help: 'Handshakes refused and connections that could not be opened, by fault; before the upgrade: turned_away while draining, full or overloaded, misfit for a wrong origin, version or transport',
        label: 'reason',
      },
      FAILURES,
    );
    this.closings = meter.counters({
      name: 'trunkline_closings_total',
      help: 'Connections that the server ended, by fault',
      label: 'reason',
    });
    this.errors = countErrors(meter);
    this.limited = countLimited(meter);
    this.ends = meter.counters({
      name: 'trunkline_disconnects_total',
      help: 'Connections that ended, by what Socket.IO says of it',
      label: 'reason',
    });
  }

  ended(reason: string): void {
    this.ends.inc(ENDS.has(reason) ? reason.replaceAll(' ', '_') : 'other');
  }
}
