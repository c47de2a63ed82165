import { Client, type ClientBase, type ClientConfig, type PoolConfig } from 'pg';
import { NotConnected } from './not-connected.js';
import { POOLED_SESSION, SESSION, type SessionSettings } from './session-settings.js';

export interface SessionOptions {
  readonly url: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** A pooler stands in between: it refuses settings of a session that it cannot keep. */
  readonly isPooled?: boolean;
  /** Over those of every session, {@link SESSION}; not behind a pooler. */
  readonly settings?: SessionSettings;
}

interface SessionConfig extends ClientConfig {
  readonly session?: SessionSettings;
}

/**
 * A client that names the settings of its session in the startup packet, where they win over everything that role,
 * database, `options=` and PGOPTIONS say; what those say about other settings stays. The driver has no option for it:
 * database.spec.ts sees that each arrives.
 */
export class SessionClient extends Client {
  private readonly session: SessionSettings;

  constructor(config: SessionConfig = {}) {
    super(config);
    this.session = config.session ?? {};
  }

  /** Called by the driver once there is a socket. */
  getStartupConf(): Record<string, string> {
    const driver = Client.prototype as unknown as Pick<SessionClient, 'getStartupConf'>;
    return { ...driver.getStartupConf.call(this), ...this.session };
  }
}

/** How a pool of the driver opens its sessions. */
export function sessionConfig({ url, applicationName, isPooled = false, settings = {} }: SessionOptions): PoolConfig {
  const session = isPooled ? POOLED_SESSION : { ...SESSION, ...settings };
  const config: PoolConfig & SessionConfig = {
    connectionString: url,
    session: { ...session, application_name: applicationName },
    keepAlive: true,
    Client: SessionClient,
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- the pool waits for it, its types do not say so
    ...(isPooled ? {} : { onConnect: liftYoungSettings }),
  };
  return config;
}

/** One session of one's own. */
export async function openSession(options: SessionOptions, more: ClientConfig = {}): Promise<Client> {
  const client = new SessionClient({ ...sessionConfig(options), ...more });
  // A loss shows in the statement that fails, and in 'end'; unheard, it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    if (!options.isPooled) await liftYoungSettings(client);
    return client;
  } catch (error) {
    client.end().catch(() => undefined);
    throw new NotConnected(error);
  }
}

/**
 * Settings that younger versions brought; the others would refuse a startup packet that names them. The second one, meant
 * for dumps, would forbid our own views.
 */
async function liftYoungSettings(client: ClientBase): Promise<void> {
  await client.query(
    `select set_config(name, plain, false)
       from (values ('transaction_timeout', '0'), ('restrict_nonsystem_relation_kind', '')) as s (name, plain)
      where current_setting(name, true) <> plain`,
  );
}
