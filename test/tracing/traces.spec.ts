import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { API_KEY, type Server } from '../support/server.js';
import { Cluster } from '../support/cluster.js';
import type { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import type { WrittenSpan } from './span-file.js';

const SDK = pathToFileURL(join(import.meta.dirname, '../../dist/test/tracing/span-file.js')).href;
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`;

let test: TestDatabase;
let cluster: Cluster;
let directory: string;
let one: Server;
let two: Server;
let bob: TestClient;

beforeAll(async () => {
  test = await createTestDatabase();
  directory = await mkdtemp(join(tmpdir(), 'trunkline-spans-'));
  cluster = new Cluster(test.url, {
    TRACING: 'on',
    NODE_OPTIONS: `--import=${SDK}`,
    SPAN_FILE: join(directory, 'spans'),
    METRICS: 'on',
  });
  [one, two] = await Promise.all([cluster.start(), cluster.start()]);
  bob = await cluster.connect(two, { user: 'bob' });
  await until('the instances know each other', async () => {
    const response = await fetch(`${one.url}/metrics`);
    return (await response.text()).includes('trunkline_peers 1');
  });
});
afterAll(async () => {
  try {
    await cluster?.end();
  } finally {
    await rm(directory, { recursive: true, force: true });
    await test?.drop();
  }
});

describe('A trace', () => {
  it('goes from the headers of REST to the acknowledgement on another instance', async () => {
    const { traceparent, tracestate } = await deliver('rest', (message) =>
      rest(message, { traceparent: TRACEPARENT, tracestate: 'vendor=1' }),
    );
    const spans = await traceOf(TRACE, ['publish', 'append', 'wake', 'deliver', 'ack']);
    const { publish, append, wake, deliver: delivery, ack } = spans;
    expect(publish?.parentId).toBe(SPAN);
    for (const step of [append, wake, delivery]) expect(step?.parentId).toBe(publish?.spanId);
    expect(ack?.parentId).toBe(delivery?.spanId);
    expect(traceparent).toBe(`00-${TRACE}-${publish?.spanId}-01`);
    expect([tracestate, delivery?.traceState]).toEqual(['vendor=1', 'vendor=1']);
    expect(delivery?.attributes).toMatchObject({
      'messaging.system': 'trunkline',
      'messaging.destination.name': 'user:bob',
      'trunkline.outcome': 'acknowledged',
    });
  });

  it('begins with a publish that has none, and reaches the reader in the metadata', async () => {
    const ann = await cluster.connect(one, { user: 'ann' });
    const { traceparent = '', own } = await deliver('socket', (message) =>
      ann.must('publish', { ...message, metadata: { own: 'kept' } }),
    );
    expect(own).toBe('kept');
    expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    const { publish } = await traceOf(traceparent.split('-')[1] ?? '', ['publish', 'append', 'deliver', 'ack']);
    expect(publish?.parentId).toBeUndefined();
  });

  it('of a publish on a socket is the one that its metadata name', async () => {
    const trace = TRACE.replace('0a', '0b');
    const ann = await cluster.connect(one, { user: 'ann' });
    const metadata = { traceparent: `00-${trace}-${SPAN}-01`, tracestate: 'vendor=2' };
    const received = await deliver('named', (message) => ann.must('publish', { ...message, metadata }));
    expect(received['traceparent']?.startsWith(`00-${trace}-`)).toBe(true);
    expect((await traceOf(trace, ['publish', 'ack'])).publish?.parentId).toBe(SPAN);
  });

  it('of a publish in SQL goes on with its delivery', async () => {
    const trace = TRACE.replace('0a', '0c');
    const traceparent = `00-${trace}-${SPAN}-01`;
    const received = await deliver('sql', ({ channel, type, data }) =>
      test.query('select trunkline.publish($1, $2, to_jsonb($3::text), $4)', [
        channel,
        type,
        data,
        JSON.stringify({ metadata: { traceparent } }),
      ]),
    );
    expect(received['traceparent']).toBe(traceparent);
    const { deliver: delivery } = await traceOf(trace, ['deliver', 'ack']);
    expect(delivery?.parentId).toBe(SPAN);
  });

  it.each([
    ['nonsense', 'nonsense'],
    ['zeros', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`],
    ['a thousand characters', 'x'.repeat(1_000)],
  ])('is not what a header of %s says: the publish begins its own', async (name, traceparent) => {
    const received = await deliver(`ignored ${name}`, (message) => rest(message, { traceparent }));
    expect(received['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    const answer = await rest({ channel: 'user:bob', type: 'x', data: 1, metadata: { traceparent } }, {});
    expect(answer).toMatchObject({ ok: true });
  });

  it('does not take the place of metadata of which there are as many as there may be', async () => {
    const metadata = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`key${index}`, 'x']));
    expect(await deliver('full', (message) => rest({ ...message, metadata }, {}))).toEqual(metadata);
  });

  it('that nobody records is carried on and leaves no spans', async () => {
    const trace = TRACE.replace('0a', '0d');
    const received = await deliver('unsampled', (message) => rest(message, { traceparent: `00-${trace}-${SPAN}-00` }));
    expect(received['traceparent']).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-00$`));
    await deliver('after it', (message) => rest(message, {}));
    expect((await written()).filter(({ traceId }) => traceId === trace)).toEqual([]);
  });

  it('links the commit of many messages to each of them', async () => {
    const messages = Array.from({ length: 30 }, (_, index) => ({ channel: 'group:many', type: 'x', data: index }));
    await rest({ messages }, { traceparent: `00-${TRACE.replace('0a', '0e')}-${SPAN}-01` });
    const appends = await until('a batch', async () => {
      const batches = (await written()).filter(({ name, links }) => name === 'trunkline.append' && links.length > 0);
      return batches.length > 0 && batches;
    });
    for (const { attributes, links } of appends) {
      expect(attributes['messaging.batch.message_count']).toBe(links.length + 1);
    }
  });

  it('shows the publish that was refused', async () => {
    const trace = TRACE.replace('0a', '0f');
    const tooDeep = JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) as unknown;
    const message = { channel: 'user:bob', type: 'x', data: tooDeep };
    expect(await rest(message, { traceparent: `00-${trace}-${SPAN}-01` })).toMatchObject({ ok: false });
    const spans = (await written()).filter(({ traceId }) => traceId === trace);
    expect(spans).toMatchObject([{ name: 'trunkline.publish', isError: true }]);
  });
});

it('leaves everything as it is while tracing is off', async () => {
  const file = join(directory, 'none');
  const server = await cluster.start({ TRACING: 'off', SPAN_FILE: file });
  const ann = await cluster.connect(server, { user: 'ann' });
  const metadata = { traceparent: TRACEPARENT };
  await ann.must('publish', { channel: 'user:ann', type: 'x', data: 1 });
  await ann.must('publish', { channel: 'user:ann', type: 'x', data: 2, metadata });
  await until('both arrived', () => ann.received.length === 2);
  expect(ann.received.map((message) => message.metadata)).toEqual([undefined, metadata]);
  await until('they are acknowledged', async () =>
    (await (await fetch(`${server.url}/metrics`)).text()).includes('acks_total 2'),
  );
  expect(existsSync(file)).toBe(false);
});

interface Sent {
  readonly channel: string;
  readonly type: string;
  readonly data: string;
}

/** Publishes to bob. @returns the metadata that he got */
async function deliver(data: string, publish: (message: Sent) => Promise<unknown>): Promise<Record<string, string>> {
  await publish({ channel: 'user:bob', type: 'x', data });
  const message = await until(`bob has ${data}`, () => bob.received.find((received) => received.data === data));
  return message.metadata ?? {};
}

async function rest(body: unknown, headers: Record<string, string>): Promise<unknown> {
  const response = await fetch(`${one.url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}`, ...headers },
    body: JSON.stringify(body),
  });
  return response.json();
}

/** The steps of a trace by name, once all of these are there. */
async function traceOf(trace: string, names: readonly string[]): Promise<Record<string, WrittenSpan>> {
  return until(`${names.join()} of ${trace}`, async () => {
    const spans = (await written()).filter(({ traceId }) => traceId === trace);
    const steps = Object.fromEntries(spans.map((span) => [span.name.slice('trunkline.'.length), span]));
    return names.every((name) => steps[name]) && steps;
  });
}

async function written(): Promise<WrittenSpan[]> {
  const text = await readFile(join(directory, 'spans'), 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line.endsWith('}'));
  return lines.map((line) => JSON.parse(line) as WrittenSpan);
}
