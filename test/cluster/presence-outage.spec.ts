import { Cluster } from '../support/cluster.js';
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
