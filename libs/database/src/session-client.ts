import { Client, type ClientBase, type ClientConfig, type PoolConfig } from 'pg';
import { NotConnected } from './not-connected.js';
import { POOLED_SESSION, SESSION, type SessionSettings } from './session-settings.js';

export interface SessionOptions {
  readonly url: string;
  /** The name that pg_stat_activity shows. */
  readonly applicationName: string;
  /** True if a pooler stands in between, which refuses settings of a session that it cannot keep. */
  readonly isPooled?: boolean;
  /** Settings that win over those of every session, {@link SESSION}. Behind a pooler they have no effect. */
  readonly settings?: SessionSettings;
}

interface SessionConfig extends ClientConfig {
  readonly session?: SessionSettings;
}

/**
 * A client that names the settings of its session in the startup packet, where they win over everything that role,
 * database, `options=` and PGOPTIONS say; what those say about other settings stays. The driver has no option for this,
 * so database.spec.ts checks that each setting arrives.
 */
export class SessionClient extends Client {
  private readonly session: SessionSettings;

  constructor(config: SessionConfig = {}) {
    super(config);
    this.session = config.session ?? {};
  }

  /** The driver calls this once there is a socket. */
  getStartupConf(): Record<string, string> {
    const driver = Client.prototype as unknown as Pick<SessionClient, 'getStartupConf'>;
    return { ...driver.getStartupConf.call(this), ...this.session };
  }
}

/** Returns the configuration with which a pool of the driver opens its sessions. */
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

/** Opens one session outside of the pools. @throws {@link NotConnected} */
export async function openSession(options: SessionOptions, more: ClientConfig = {}): Promise<Client> {
  const client = new SessionClient({ ...sessionConfig(options), ...more });
  // A lost connection shows in the statement that fails, and in 'end'. Without a listener, it would end the process.
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
 * Resets settings that only newer versions of PostgreSQL have, because older ones would refuse a startup packet that
 * names them. The second one, meant for dumps, would forbid our own views.
 */
async function liftYoungSettings(client: ClientBase): Promise<void> {
  await client.query(
    `select set_config(name, plain, false)
       from (values ('transaction_timeout', '0'), ('restrict_nonsystem_relation_kind', '')) as s (name, plain)
      where current_setting(name, true) <> plain`,
  );
}
