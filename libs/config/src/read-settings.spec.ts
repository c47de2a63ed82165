import { readGivenSettings, readSettings, SettingsError } from './read-settings.js';

const PRODUCTION = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://trunkline@db/trunkline',
  JWT_SECRET: 'a-secret-for-tests-and-for-nothing-else',
  API_KEYS: `shop:${'y'.repeat(16)}`,
};

describe('readSettings', () => {
  it('takes an empty variable as not set', () => {
    expect(readSettings({ PORT: '', JWT_SECRET: '', DATABASE_URL: '', HOST: '' })).toEqual(readSettings({}));
  });

  it('ignores variables that are not ours', () => {
    expect(readSettings({ PATH: '/bin', PORTS: 'x' })).toEqual(readSettings({}));
  });

  it('needs nothing set in development, and listens to this machine alone', () => {
    expect(readSettings({})).toMatchObject({
      isProduction: false,
      host: '127.0.0.1',
      port: 3000,
      retention: { days: 7, maxDays: 30, isForced: false },
    });
    expect(readSettings({})).toMatchObject({ database: { url: undefined }, auth: { jwtSecret: undefined } });
  });

  it('carries every value over in the type it has in the code', () => {
    const settings = readSettings({
      ...PRODUCTION,
      PORT: '0',
      NOTIFY: 'off',
      CORS_ORIGINS: 'https://a.example, https://b.example,',
    });
    expect(settings).toMatchObject({
      isProduction: true,
      host: '0.0.0.0',
      port: 0,
      database: { url: PRODUCTION.DATABASE_URL },
      auth: { apiKeys: [PRODUCTION.API_KEYS], corsOrigins: ['https://a.example', 'https://b.example'] },
      delivery: { isNotifyOn: false },
    });
  });

  it('tells strangers in production neither how REST is used nor how each part is, unless it is to', () => {
    expect(readSettings({}).rest).toMatchObject({ hasDocs: true, showsHealth: true });
    expect(readSettings(PRODUCTION).rest).toMatchObject({ hasDocs: false, showsHealth: false });
    const open = { ...PRODUCTION, API_DOCS: 'on', HEALTH_DETAILS: 'on' };
    expect(readSettings(open).rest).toMatchObject({ hasDocs: true, showsHealth: true });
  });

  it('logs JSON in production, whatever is set, and elsewhere what suits whoever reads', () => {
    expect(readSettings({ ...PRODUCTION, LOG_FORMAT: 'pretty' }).logFormat).toBe('json');
    expect(readSettings({ LOG_FORMAT: 'pretty' }).logFormat).toBe('pretty');
    expect(readSettings({}).logFormat).toBe('auto');
  });

  it.each(['DATABASE_URL', 'JWT_SECRET', 'API_KEYS'])('refuses production without %s', (variable) => {
    expect(readSettings(PRODUCTION).isProduction).toBe(true);
    expect(refusal({ ...PRODUCTION, [variable]: '' })).toBe(
      `${variable} is not set, must be set when NODE_ENV=production`,
    );
  });

  it('refuses to show metrics to everybody in production', () => {
    expect(refusal({ ...PRODUCTION, METRICS: 'on' })).toMatch(/^METRICS is on, must come with METRICS_PORT or/);
    const token = 'x'.repeat(16);
    expect(readSettings({ ...PRODUCTION, METRICS: 'on', METRICS_TOKEN: token }).metrics.token).toBe(token);
    const ownPort = readSettings({ ...PRODUCTION, METRICS: 'on', METRICS_PORT: '9464' });
    expect(ownPort.metrics).toMatchObject({ isOn: true, port: 9_464, host: '127.0.0.1' });
    expect(readSettings({}).metrics).toMatchObject({ isOn: false, port: undefined });
  });

  it('refuses values that contradict each other', () => {
    expect(refusal({ BEAT_MS: '3000', LEASE_MS: '8999' })).toMatch(
      /^BEAT_MS is 3000, must be at most a third of LEASE_MS/,
    );
    expect(readSettings({ BEAT_MS: '3000', LEASE_MS: '9000' }).registry).toEqual({ beatMs: 3_000, leaseMs: 9_000 });
    expect(refusal({ HEARTBEAT_MS: '60000', CONNECTION_TIMEOUT_MS: '120000' })).toMatch(
      /^CONNECTION_TIMEOUT_MS is 120000, must be at least two HEARTBEAT_MS/,
    );
    expect(refusal({ DEDUPE_HOURS: '25', RETENTION_DAYS: '1' })).toMatch(
      /^DEDUPE_HOURS is 25, must not exceed RETENTION_DAYS/,
    );
    expect(readSettings({ DEDUPE_HOURS: '24', RETENTION_DAYS: '1' }).retention.days).toBe(1);
  });

  it('what devices are still to receive is kept at least as long as anything, and as they are remembered', () => {
    const maxDays = (env: Record<string, string>): number => readSettings(env).retention.maxDays;
    expect(maxDays({ RETENTION_DAYS: '60' })).toBe(60);
    expect(maxDays({ IDLE_DEVICE_DAYS: '90' })).toBe(90);
    expect(maxDays({ IDLE_DEVICE_DAYS: '90', RETENTION_MAX_DAYS: '7' })).toBe(7);
    expect(() => readSettings({ RETENTION_MAX_DAYS: '6' })).toThrow(
      'RETENTION_MAX_DAYS is 6, must be at least RETENTION_DAYS (7)',
    );
  });

  it('names everything that is wrong at once, each with a line of its own', () => {
    const wrong = { ...PRODUCTION, API_KEYS: '', PORT: 'http', NOTIFY: 'yes', METRICS: 'on', BEAT_MS: '10000' };
    expect(refusal(wrong).split('\n')).toEqual([
      expect.stringMatching(/^PORT is "http", must be/),
      'API_KEYS is not set, must be set when NODE_ENV=production',
      'NOTIFY is "yes", must be one of on, off',
      expect.stringMatching(/^BEAT_MS is 10000, must be at most a third of LEASE_MS/),
      expect.stringMatching(/^METRICS is on, must come with/),
    ]);
  });

  it('names a wrong value once, whatever else depends on it', () => {
    expect(refusal({ NODE_ENV: 'staging' })).not.toContain('\n');
    expect(refusal({ ...PRODUCTION, LEASE_MS: '1', BEAT_MS: '60000' })).toMatch(/^LEASE_MS is "1", must be[^\n]*$/);
    expect(refusal({ RETENTION_DAYS: 'week', DEDUPE_HOURS: '720' })).not.toContain('\n');
  });

  it('gives settings that nobody can change', () => {
    const settings = readSettings({ ...PRODUCTION, CORS_ORIGINS: 'https://a.example' });
    expect(thawed(settings)).toEqual([]);
  });
});

function refusal(env: Record<string, string>): string {
  try {
    readSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  throw new Error(`accepted ${JSON.stringify(env)}`);
}

/** The paths of everything inside that could still be changed. */
function thawed(value: object, path = 'settings'): string[] {
  const inner = Object.entries(value).flatMap(([key, item]: [string, unknown]) =>
    typeof item === 'object' && item !== null ? thawed(item, `${path}.${key}`) : [],
  );
  return Object.isFrozen(value) ? inner : [path, ...inner];
}

describe('settings that an application gives', () => {
  const before = process.env['NODE_ENV'];
  afterEach(() => {
    process.env['NODE_ENV'] = before;
  });

  it('are those of production if the process is in production', () => {
    process.env['NODE_ENV'] = 'production';
    expect(() => readGivenSettings({ DATABASE_URL: 'postgres://nowhere/x' })).toThrow(/production/);
    expect(readGivenSettings({ NODE_ENV: 'test' }).isProduction).toBe(false);
  });
});
