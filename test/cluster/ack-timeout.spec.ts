import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';

const MAX_ATTEMPTS = 3;

const {
  database,
  cluster,
  here: impatient,
  there: other,
} = await twoInstances({}, { here: { ACK_TIMEOUT_MS: '300', MAX_ATTEMPTS: String(MAX_ATTEMPTS) } });

interface Attempt extends Record<string, unknown> {
  attempt: number;
  outcome: string;
  from_seq: number;
  to_seq: number;
}

const attemptsOn = (channel: string): Promise<Attempt[]> =>
  database.query(
    `select attempt, outcome, from_seq::int, to_seq::int from trunkline.attempts
      where channel = $1 order by outcome desc, attempt`,
    [channel],
  );

async function publish(channel: string, ...bodies: unknown[]): Promise<void> {
  for (const data of bodies) {
    const { body } = await other.rest('POST', '/v1/messages', { channel, type: 'note', data });
    expect(body).toMatchObject({ ok: true });
  }
}

it('repeats what is not acknowledged, then closes the connection; the next one gets it', async () => {
  const mute = await cluster.connect(impatient, { user: 'mute', acknowledges: false });
  await publish('user:mute', 'important');
  await until('it is closed', () => mute.disconnectReason);
  expect(mute.closing).toMatchObject({ code: 4005, retryable: true });
  expect(mute.raw.map(({ data }) => data)).toEqual(Array.from({ length: MAX_ATTEMPTS }, () => 'important'));
  expect(mute.received).toHaveLength(1);

  const next = await cluster.connect(other, { user: 'mute' });
  await until('it came', () => next.received.length === 1);
  const settled = await until('all is written down', async () => {
    const rows = await attemptsOn('user:mute');
    return rows.length > MAX_ATTEMPTS && rows;
  });
  expect(settled).toEqual([
    { attempt: 1, outcome: 'timeout', from_seq: 1, to_seq: 1 },
    { attempt: 2, outcome: 'timeout', from_seq: 1, to_seq: 1 },
    { attempt: 3, outcome: 'timeout', from_seq: 1, to_seq: 1 },
    { attempt: 1, outcome: 'acknowledged', from_seq: 1, to_seq: 1 },
  ]);
});

it('goes on after a repeat that is acknowledged, with nothing lost and in order', async () => {
  const sleepy = await cluster.connect(impatient, { user: 'sleepy', acknowledges: false });
  await publish('user:sleepy', 1, 2, 3);
  await until('they were repeated', () => sleepy.raw.length >= 6);
  sleepy.acknowledges = true;
  await sleepy.must('ack', { 'user:sleepy': 3 });
  await publish('user:sleepy', 4, 5);
  await until('the next came', () => sleepy.received.length === 5);
  expect(sleepy.bodies('user:sleepy')).toEqual([1, 2, 3, 4, 5]);
  expect(sleepy.closing).toBeUndefined();
  expect(sleepy.disconnectReason).toBeUndefined();
});

it('counts from the first attempt again when some of it is acknowledged', async () => {
  const partly = await cluster.connect(impatient, { user: 'partly', acknowledges: false });
  await publish('user:partly', 1, 2, 3);
  for (const seq of [1, 2]) {
    await until(
      'what is left was repeated',
      () => partly.raw.filter((message) => message.seq === seq + 1).length > seq,
    );
    await partly.must('ack', { 'user:partly': seq });
  }
  await until('it is closed', () => partly.disconnectReason);
  const last = { attempt: MAX_ATTEMPTS, outcome: 'timeout', from_seq: 3, to_seq: 3 };
  const attempts = await until('all is written down', async () => {
    const rows = await attemptsOn('user:partly');
    return rows.some((row) => JSON.stringify(row) === JSON.stringify(last)) && rows;
  });
  expect(attempts.filter(({ outcome }) => outcome === 'timeout').length).toBeGreaterThan(MAX_ATTEMPTS);
});
