import { ADMIN_API_KEYS, ask, KEYS } from '../admin/operator.js';
import { publish } from '../guarantees/publish.js';
import { runCli } from '../support/run-cli.js';
import { API_KEY } from '../support/server.js';
import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';

const ISO = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

// server: Where clients are.
// other: Where operators ask.
// Of two messages, the second waits behind a window of one.
const {
  database,
  cluster,
  here: server,
  there: other,
} = await twoInstances(
  { ADMIN_API_KEYS, ACK_TIMEOUT_MS: '300', MAX_ATTEMPTS: '100' },
  { here: { WINDOW_MESSAGES: '1' } },
);

interface Told {
  readonly cause: string;
  readonly reason: string;
  readonly status: string;
}

interface Question {
  readonly id: string;
  readonly user: string;
  readonly cause: string;
  /** In these words. */
  readonly says: RegExp;
}

async function askAdmin({ id, user }: Question): Promise<Told | undefined> {
  const { body } = await ask(other, 'GET', `/messages/${id}?user=${user}`);
  return (body as { deliveries: Told[] }).deliveries[0];
}

/** The admin REST, the command line with an operator's key, and with that of a back end must say the same. */
async function expectExplained(question: Question): Promise<void> {
  const { id, user, cause, says } = question;
  const told = await until(
    `${user}: ${cause}`,
    async () => {
      const found = await askAdmin(question);
      return found?.cause === cause && says.test(found.reason) && found;
    },
    5_000,
  ).catch(async (error: unknown) => {
    throw new Error(`the admin REST says ${JSON.stringify(await askAdmin(question))}`, { cause: error });
  });
  expect(told).toMatchObject({ cause });
  const TRUNKLINE_URL = other.url;
  for (const keys of [{ TRUNKLINE_ADMIN_KEY: KEYS.eyes }, { TRUNKLINE_API_KEY: API_KEY }]) {
    const inWords = await runCli(['why', id, '--user', user], { TRUNKLINE_URL, ...keys });
    expect(inWords).toMatchObject({ code: 0, stderr: '' });
    const line = inWords.stdout.split('\n').find((one) => one.startsWith(`  ${user}`)) ?? inWords.stdout;
    expect(line).toMatch(says);
    expect(line).toContain(cause);
    const asJson = await runCli(['why', id, '--user', user, '--json'], { TRUNKLINE_URL, ...keys });
    expect(JSON.parse(asJson.stdout)).toMatchObject({ deliveries: [{ user, cause }] });
  }
}

it('because the device is offline', async () => {
  const phone = await cluster.connect(server, { user: 'ann', deviceId: 'phone' });
  phone.close();
  const { id } = await publish(other, { channel: 'user:ann' });
  await expectExplained({
    ...{ id, user: 'ann', cause: 'offline' },
    says: new RegExp(`device phone offline since ${ISO}`),
  });
});

it('because it expired before the device came back', async () => {
  const phone = await cluster.connect(server, { user: 'ben', deviceId: 'phone' });
  phone.close();
  await until('it left the registry', async () => {
    const rows = await database.query(`select 1 from trunkline.connections where user_id = 'ben'`);
    return rows.length === 0;
  });
  const { id } = await publish(other, { channel: 'user:ben', ttlMs: 1 });
  await expectExplained({
    ...{ id, user: 'ben', cause: 'expired' },
    says: new RegExp(`expired at ${ISO}; until then device phone offline since ${ISO}`),
  });
});

it('because the client does not acknowledge', async () => {
  const phone = await cluster.connect(server, { user: 'cid', deviceId: 'phone', acknowledges: false });
  const { id } = await publish(other, { channel: 'user:cid' });
  await until('it came again', () => phone.raw.length > 1);
  await expectExplained({
    ...{ id, user: 'cid', cause: 'not-acknowledged' },
    says: /device phone was sent it and does not acknowledge: no acknowledgement within 300 ms, attempt \d+ of 100/,
  });
});

it('because the reader is slow, and lags behind its window', async () => {
  const phone = await cluster.connect(server, { user: 'dee', deviceId: 'phone', acknowledges: false });
  await publish(other, { channel: 'user:dee' });
  const { id } = await publish(other, { channel: 'user:dee' });
  await until('the first came', () => phone.raw.length > 0);
  await expectExplained({
    ...{ id, user: 'dee', cause: 'lagging' },
    says: /device phone is online and lags: it has to acknowledge earlier messages first; it has acknowledged up to seq 0, this is seq 2/,
  });
  // Once it reads on, it gets both.
  phone.acknowledges = true;
  await until('the second came', () => phone.raw.some(({ seq }) => seq === 2), 15_000);
});

it('because the user is not a member of the group, or became one too late', async () => {
  await cluster.connect(server, { user: 'eve', deviceId: 'phone' });
  const { id } = await publish(other, { channel: 'group:tea' });
  const question = { id, user: 'eve', cause: 'not-a-member' };
  await expectExplained({ ...question, says: /eve is not a member of group:tea/ });
  await other.rest('PUT', '/v1/channels/group%3Atea/members/eve');
  await expectExplained({ ...question, says: /eve became a member of group:tea only after this message/ });
});

it('and who asks without naming a user learns that a message of a group without members was for nobody', async () => {
  const { id } = await publish(other, { channel: 'group:void' });
  const { stdout } = await runCli(['why', id], { TRUNKLINE_URL: other.url, TRUNKLINE_API_KEY: API_KEY });
  expect(stdout).toContain('for nobody: no-members: group:void had no members when it was published');
});
