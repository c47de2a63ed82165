import type { Logger } from '#observability';

/** The options of an application that runs Trunkline inside itself. */
export interface TrunklineOptions {
  /** The path under which everything is: REST at `<path>/v1`, sockets at `<path>/socket.io`. Default: `/trunkline`. */
  readonly path?: string;
  /**
   * The settings by the names of their variables, which docs/configuration.md lists. Left out, they come from the
   * environment of the process, as `NODE_ENV` does in any case unless it is named here. `PORT` and `HOST` mean nothing here, because the application listens.
   */
  readonly settings?: Readonly<Record<string, string | undefined>>;
  /** A pino logger. Left out, lines go to standard output as `LOG_LEVEL` and `LOG_FORMAT` say. */
  readonly logger?: Logger;
  /** Called if a lost identity could not be replaced. Requests get 503 from then on; the application goes on. */
  readonly onFailure?: (error: unknown) => void;
  /** Called when an operator has had this instance drained. Requests get 503 from then on; the application goes on. */
  readonly onDrained?: () => void;
}
