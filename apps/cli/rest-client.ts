import { resolveSecrets, type Settings } from '#config';
import { toJson, type WireError } from '#protocol';
import { Failure, InputError } from './failure.js';
import { parseAnswer } from './parse-answer.js';

const DEADLINE_MS = 30_000;
const NOT_FOUND = 1012;

export type Query = Readonly<Record<string, string | number | undefined>>;

/** Nobody answered, or the server could not serve the request just now: it may be worth asking again. */
export class OutOfReach extends Failure {}

/** Calls the server's REST with the keys of the environment. A refusal is told in the server's own words. */
export class RestClient {
  constructor(private readonly settings: Settings) {}

  get hasAdminKey(): boolean {
    return this.adminKey !== undefined;
  }

  /** Calls the REST for back ends, under /v1. */
  async api<Answer>(method: 'GET' | 'POST', path: string, query: Query = {}, body?: unknown): Promise<Answer> {
    return this.ask(method, withQuery(`/v1${path}`, query), this.apiKey, 'TRUNKLINE_API_KEY', body);
  }

  /** Calls the REST for operators, under /admin/v1. */
  async admin<Answer>(path: string, query: Query = {}, method: 'GET' | 'DELETE' = 'GET'): Promise<Answer> {
    if (this.adminKey === undefined)
      throw new InputError('needs TRUNKLINE_ADMIN_KEY, or ADMIN_API_KEYS as the server has it');
    return this.ask(method, withQuery(`/admin/v1${path}`, query), this.adminKey, 'TRUNKLINE_ADMIN_KEY');
  }

  private get apiKey(): string {
    const { client, auth } = this.settings;
    const given = client.apiKey ?? secretOf(auth.apiKeys?.[0]);
    if (given !== undefined) return given;
    // The keys that were made on this machine are known only to a server that runs here.
    const made = client.url === undefined ? secretOf(resolveSecrets(this.settings).apiKeys[0]) : undefined;
    if (made === undefined) throw new InputError('needs TRUNKLINE_API_KEY, or API_KEYS as the server has it');
    return made;
  }

  private get adminKey(): string | undefined {
    const { client, admin } = this.settings;
    const [first] = admin.keys;
    return client.adminKey ?? secretOf(first?.slice(0, first.lastIndexOf(':')));
  }

  private async ask<Answer>(
    method: string,
    path: string,
    key: string,
    keyName: string,
    body?: unknown,
  ): Promise<Answer> {
    const { client, port } = this.settings;
    const url = client.url ?? `http://127.0.0.1:${port}`;
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: toJson(body) }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    }).catch((error: unknown) => {
      throw new OutOfReach(`no server answers at ${url}; TRUNKLINE_URL says where it is`, { cause: error });
    });
    const text = await response.text().catch(() => '');
    const answer = parseAnswer(text) as Answer | { error?: WireError } | undefined;
    if (response.ok && answer !== undefined) return answer as Answer;
    throw refusal(response.status, (answer as { error?: WireError } | undefined)?.error, path, keyName);
  }
}

function refusal(status: number, error: WireError | undefined, path: string, keyName: string): Error {
  if (!error) return new OutOfReach(`${path.split('?')[0]} answered ${status}: is there a Trunkline server?`);
  const said = `${error.code} ${error.message}`;
  if (status === 401) return new Failure(`${said}: ${keyName} is not a key of this server`);
  if (error.retryable) return new OutOfReach(said);
  if (status === 404 && path.startsWith('/admin/') && error.message === 'no such route')
    return new Failure('the server has no admin REST: its ADMIN_API_KEYS is not set');
  const isInput = error.code >= 1_000 && error.code < 2_000 && error.code !== NOT_FOUND;
  return isInput ? new InputError(said) : new Failure(said);
}

/** Takes the secret out of `name:secret`. */
function secretOf(pair: string | undefined): string | undefined {
  return pair?.slice(pair.indexOf(':') + 1);
}

function withQuery(path: string, query: Query): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size > 0 ? `${path}?${given.toString()}` : path;
}
