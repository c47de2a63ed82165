import { Cluster } from '../support/cluster.js';
import { FlakyLink } from '../support/flaky-link.js';
import { OwnPostgres } from '../support/own-postgres.js';
import { until } from '../support/until.js';

const CREW = 'group:crew';

let postgres: OwnPostgres;
let cluster: Cluster;

beforeAll(async () => {
  postgres = await OwnPostgres.start();
  cluster = new Cluster(postgres.url, { BEAT_MS: '1000' });
});
afterAll(async () => {
  await cluster.end();
  await postgres.remove();
});

it('a registry that a crash of PostgreSQL emptied announces nobody as gone', async () => {
  const [here, there] = await Promise.all([cluster.start(), cluster.start()]);
  for (const user of ['eve', 'ann', 'ben']) await here.rest('PUT', `/v1/channels/group%3Acrew/members/${user}`);
  const eve = await cluster.connect(here, { user: 'eve' });
  await eve.must('watch', { channel: CREW });
  await cluster.connect(there, { user: 'ann' });
  const ben = await cluster.connect(here, { user: 'ben' });
  await until('both came', () => eve.presences.length === 2);

  await postgres.crash();
  await postgres.startAgain();
  await until('the registry is filled again', async () => {
    const rows = await postgres.query('select from trunkline.connections join trunkline.instances using (instance_id)');
    return rows.length === 3;
  });
  ben.close();
  // By then anybody missing from the emptied registry would have been announced, too.
  await until('ben left', () => eve.presences.includes('ben off'), 20_000);
  expect(eve.presences.toSorted()).toEqual(['ann on', 'ben off', 'ben on']);
});

it('what was said while an instance could not listen, it looks for when it listens again', async () => {
  const link = await FlakyLink.start(postgres.url);
  try {
    // Polling once a minute: only the looking after the new LISTEN can find it.
    const deaf = await cluster.start({ DATABASE_DIRECT_URL: link.url, POLL_MS: '60000' });
    const other = await cluster.start();
    const isListening = async (): Promise<boolean> => {
      const { body } = await deaf.rest('GET', '/health');
      return (body as { details: { listener: { status: string } } }).details.listener.status === 'up';
    };
    const fay = await cluster.connect(deaf, { user: 'fay', grants: ['presence:user:*'] });
    expect((await fay.must('watch', { channel: 'user:gil' })).online).toEqual([]);
    const hal = await cluster.connect(deaf, { user: 'hal', sessionId: 'login' });
    link.cut();
    await until('it cannot listen', async () => !(await isListening()));
    await cluster.connect(other, { user: 'gil' });
    await other.rest('DELETE', '/v1/users/hal/sessions/login');
    expect([fay.presences, hal.closing]).toEqual([[], undefined]);
    link.mend();
    await until('it listens again', isListening);
    await until('fay knows that gil came', () => fay.presences.length === 1, 2_000);
    await until('hal is told that the session is over', () => hal.closing?.code === 2005, 2_000);
  } finally {
    await link.stop();
  }
});
