import { ADMIN_API_KEYS, KEYS } from '../admin/operator.js';
import { Attacker } from '../security/attacker.js';
import { API_KEY, Server } from '../support/server.js';
import { runCli } from '../support/run-cli.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

/** What a decoder and an encoder of JavaScript, or jsonb, would make something else of. */
const TEXT =
  '{"z":9007199254740993,"10":1.0,"a":[1E2,-0, "\\u0041\\/é\\ud83d\\ude00"],"a":3.14159265358979323846264338327950288}';
const CHANNEL = 'group:texts';
const MESSAGES = `/v1/channels/${encodeURIComponent(CHANNEL)}/messages`;

let database: TestDatabase;
let server: Server;
/** Reads the frames as they come, and publishes text. */
let client: Attacker;
let frames: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  server = await Server.start(database.url, { ADMIN_API_KEYS });
});
beforeEach(async () => {
  client = await Attacker.enter(server.url, [`publish:${CHANNEL}`, `subscribe:${CHANNEL}`]);
  frames = [];
  client.hear((packet) => frames.push(packet));
  await client.send('subscribe', { channel: CHANNEL });
});
afterEach(() => client.leave());
afterAll(async () => {
  await server?.end('SIGKILL');
  await database?.drop();
});

async function rest(path: string, body?: string, key = API_KEY): Promise<string> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const response = await fetch(server.url + path, body === undefined ? { headers } : { method: 'POST', headers, body });
  return response.text();
}

const request = (data: string): string => `{"channel":"${CHANNEL}", "type":"t","data":${data} }`;
const sql = (data: string, cast = ''): Promise<unknown> =>
  database.query(`select trunkline.publish($1, 't', $2${cast})`, [CHANNEL, data]);

const WAYS: Record<string, (data: string) => Promise<unknown>> = {
  'a socket': (data) => client.sendText(`["publish",${request(data)}]`),
  'a socket, behind an event that goes through Socket.IO’s decoder': async (data) => {
    client.sendAtOnce(['42["nonsense",1]', `42["publish",${request(data)}]`, `42["nonsense",1]`]);
  },
  'a socket, at a time': (data) =>
    client.sendText(`["schedule",{"sendAt":"2020-01-01T00:00:00Z",${request(data).slice(1)}]`),
  REST: (data) => rest('/v1/messages', request(data)),
  'a batch': (data) => rest('/v1/messages', `{"messages" : [ {"channel":"x"}, ${request(data)} ]}`),
  'REST, at a time': (data) =>
    rest('/v1/messages/scheduled', `{"sendAt":"2020-01-01T00:00:00Z",${request(data).slice(1)}`),
  'SQL, as a parameter': (data) => sql(data),
  'SQL, as text': (data) => sql(data, '::text'),
  'SQL, as json': (data) => sql(data, '::json'),
  'SQL, as a literal': (data) =>
    database.query(`select trunkline.publish('${CHANNEL}', 't', E'${data.replaceAll('\\', '\\\\')}', '{}')`),
};

it.each(Object.keys(WAYS))('a body from %s reaches its readers as it was written', async (way) => {
  await WAYS[way]?.(TEXT);
  const frame = await until('it came', () => frames.find((packet) => packet.includes('"messages"')));
  expect(frame).toContain(`"type":"t","data":${TEXT},"createdAt"`);
});

it('is what history, REST, the admin REST and the command line show', async () => {
  const { id, seq } = JSON.parse(await rest('/v1/messages', request(TEXT))) as { id: string; seq: number };
  const stored = `"data":${TEXT},`;
  await client.send('history', { channel: CHANNEL, afterSeq: seq - 1 });
  expect(frames.find((packet) => packet.includes('"lastSeq"') && packet.includes('"messages"'))).toContain(stored);
  const page = `?after=${seq - 1}`;
  for (const path of [MESSAGES + page, `/v1/messages/${id}`, `/v1/messages/${id}/timeline`])
    expect(await rest(path)).toContain(stored);
  expect(await rest(`/admin/v1/messages/${id}`, undefined, KEYS.eyes)).toContain(stored);
  expect(await rest(`/admin${MESSAGES}${page}`, undefined, KEYS.eyes)).toContain(stored);
  const env = { TRUNKLINE_URL: server.url, TRUNKLINE_API_KEY: API_KEY };
  for (const args of [
    ['tail', CHANNEL, '--after', String(seq - 1), '--count', '1', '--json'],
    ['why', id, '--json'],
  ])
    expect((await runCli(args, env)).stdout).toContain(stored);
  const inWords = await runCli(['tail', CHANNEL, '--after', String(seq - 1), '--count', '1'], env);
  expect(inWords.stdout).toContain(`from a back end: ${TEXT}`);
});

it('is what the command line publishes', async () => {
  await runCli(['publish', CHANNEL, TEXT], { TRUNKLINE_URL: server.url, TRUNKLINE_API_KEY: API_KEY });
  const frame = await until('it came', () => frames.find((packet) => packet.includes('"messages"')));
  expect(frame).toContain(`"data":${TEXT},`);
});

describe.each([
  ['1018', 'a number beyond a double', '{"a":[1e400]}'],
  ['1018', 'a number of 400 digits', '9'.repeat(400)],
  ['1006', '\\u0000', '"\\u0000"'],
  ['1006', 'half a surrogate pair before an escaped backslash', '"\\ud83d\\\\udc00"'],
  ['1005', 'a key that comes 1,001 times', `{${'"a":0,'.repeat(1_000)}"a":0}`],
  ['1004', '33 levels under a key that comes again', `{"a":${'['.repeat(32)}${']'.repeat(32)},"a":0}`],
  ['1003', 'a byte too many', `"${'é'.repeat(32_767)}x"`],
])('%s answers %s', (code, _, data) => {
  it.each(['a socket', 'REST', 'SQL, as text', 'SQL, as json'])('from %s', async (way) => {
    const before = await database.query(
      'select id from trunkline.messages union all select message_id from trunkline.outbox',
    );
    const answer = await WAYS[way]?.(data).catch((error: Error) => error.message);
    expect(JSON.stringify(answer)).toContain(code);
    const after = await database.query(
      'select id from trunkline.messages union all select message_id from trunkline.outbox',
    );
    expect(after).toHaveLength(before.length);
  });
});

it.each([
  ['a number too small for a double', '1e-400'],
  ['a number far too small for a double', '[1e-20000]'],
  ['escapes that look like what is refused', '"\\\\u0000 \\\\ud800"'],
  ['the longest body', `"${'x'.repeat(65_534)}"`],
])('%s is taken by every way alike', async (_, data) => {
  for (const way of ['a socket', 'REST', 'SQL, as text', 'SQL, as json']) {
    frames.length = 0;
    await WAYS[way]?.(data);
    const frame = await until(`it came from ${way}`, () => frames.find((packet) => packet.includes('"messages"')));
    expect(frame).toContain(`"data":${data},`);
  }
});

it('a repeat is the same body if it is the same JSON, and another if not', async () => {
  const publish = (data: string): Promise<string> => rest('/v1/messages', `{"publishId":"p",${request(data).slice(1)}`);
  const { seq } = JSON.parse(await publish('{"a":1,"b":[2]}')) as { seq: number };
  expect(JSON.parse(await publish('{ "b": [2.0], "a": 1 }'))).toMatchObject({ seq, repeated: true });
  expect(JSON.parse(await publish('{"a":1,"b":[3]}'))).toMatchObject({ error: { code: 1013 } });
});

it('jsonb goes in as PostgreSQL writes it, with its options by name', async () => {
  await database.query(`select trunkline.publish(channel => $1, type => 't', data => '{"b":1,"a":2}'::jsonb)`, [
    CHANNEL,
  ]);
  const frame = await until('it came', () => frames.find((packet) => packet.includes('"messages"')));
  expect(frame).toContain('"data":{"a": 2, "b": 1},');
});
