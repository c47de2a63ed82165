import { ANN, BOB, GROUP, Story } from './story.js';

let story: Story;

beforeEach(() => {
  story = Story.green();
});

test('is green when everything arrived once, in order, and was counted', () => {
  expect(story.verdict).toMatchObject({
    ...{ verdict: 'green', findings: [], troubles: [], acked: 3, unknown: 1, faults: 1 },
    ...{ lost: 0, unexpected: 0, duplicated: 0, outOfOrder: 0, ghosts: 0, rawRepeats: 1 },
  });
});

describe('I1, no loss', () => {
  test('is broken by an acknowledged publish that is not stored', () => {
    story.publish(4).deliverToAll(4);
    story.rows.pop();
    expect(story.findings).toContain('I1: acknowledged and not in the database');
    expect(story.verdict.lost).toBe(1);
  });

  test('is broken by an acknowledged publish that one recipient never gets', () => {
    story.publish(4).deliver(ANN, 4);
    expect(story.findings).toEqual(['I1: acknowledged and never delivered']);
  });

  test('is broken by an acknowledgement that named no position, of what is stored nowhere', () => {
    story.invoke(4).tell({ event: 'ok', n: 4, attempt: 1, seq: undefined, id: undefined, isRepeated: false });
    expect(story.findings).toContain('I1: acknowledged and not in the database');
  });

  test('leaves aside what expired, if the recipient was told', () => {
    story.publish(4, { ttlMs: 100 }).deliver(ANN, 4);
    expect(story.findings).toEqual(['I1: acknowledged and never delivered']);
    story.gap(BOB, 4, 4);
    expect(story.findings).toEqual([]);
  });
});

describe('I2, no invention', () => {
  test('is broken by a delivery with another body', () => {
    story.publish(4).deliver(ANN, 4).deliver(BOB, 4, { hash: 'another' });
    expect(story.findings).toEqual(['I2: delivered and never published like this']);
    expect(story.verdict.unexpected).toBe(1);
  });

  test('is broken by a row that nobody published', () => {
    story.store(4);
    expect(story.findings).toContain('I2: stored and never published like this');
  });
});

test('I3, no leak, is broken by a delivery to somebody it was not for', () => {
  story.publish(4, { channel: 'user:ann' }).deliver(ANN, 4).deliver(BOB, 4);
  expect(story.findings).toEqual(['I3: delivered to somebody it was not for']);
});

describe('I4, refused means refused', () => {
  test('is broken by a refused publish that is stored', () => {
    story.invoke(4).store(4).refuse(4).deliverToAll(4);
    expect(story.findings).toEqual(['I4: refused and stored nevertheless']);
  });

  test('is broken by a refused attempt that stored what a later attempt only repeats', () => {
    story.invoke(4).store(4).refuse(4).wait(500).invoke(4, {}, 2).ok(4, 2, true).deliverToAll(4);
    expect(story.findings).toEqual(['I4: refused and stored nevertheless']);
  });

  test('holds when the attempt after the refusal stored it', () => {
    story.invoke(4).refuse(4).wait(500).invoke(4, {}, 2).store(4).ok(4, 2).deliverToAll(4);
    expect(story.findings).toEqual([]);
  });
});

describe('I5, once per publish', () => {
  test('is broken by a second row, and by the second delivery it causes', () => {
    story.publish(4).deliverToAll(4).store(4);
    story.deliver(ANN, 4, { seq: 5 }).deliver(BOB, 4, { seq: 5 });
    expect(story.findings).toEqual(expect.arrayContaining(['I5: stored more than once']));
    expect(story.findings).toEqual(expect.arrayContaining(['I5: given to the application twice']));
  });

  test('is broken by a repeat that nobody dropped', () => {
    story.deliver(ANN, 3);
    expect(story.findings).toEqual(['I5: given to the application twice']);
    expect(story.verdict.duplicated).toBe(1);
  });

  test('is broken by an answer with another position than the row', () => {
    story.publish(4).deliverToAll(4).invoke(4, {}, 2);
    story.tell({ event: 'ok', n: 4, attempt: 2, seq: 17, id: 'id 4', isRepeated: true });
    expect(story.findings).toEqual(['I5: answered with another position than it has']);
  });
});

describe('I6, one order', () => {
  test('is broken by a publish that stands before one acknowledged earlier', () => {
    story.invoke(4).store(4).ok(4);
    story.invoke(5).store(5).ok(5);
    Object.assign(story.row(4), { seq: 5 });
    Object.assign(story.row(5), { seq: 4 });
    expect(story.findings).toContain('I6: numbered before a publish that had been acknowledged earlier');
  });

  test('is broken by a message that comes after a later one and so is dropped', () => {
    story.publish(4).publish(5).deliver(ANN, 4).deliver(ANN, 5).deliver(BOB, 5).deliver(BOB, 4, { isFresh: 0 });
    expect(story.findings).toContain('I6: delivered out of order');
    expect(story.verdict.outOfOrder).toBe(1);
  });
});

describe('I7, no silent gap', () => {
  test('is broken by a seq that is skipped', () => {
    story.publish(4).publish(5).deliver(ANN, 4).deliver(ANN, 5).deliver(BOB, 5);
    expect(story.findings).toContain('I7: skipped without a gap');
  });

  test('is broken by a gap about what is still there', () => {
    story.publish(4).deliver(ANN, 4).gap(BOB, 4, 4, 'removed');
    expect(story.findings).toContain('I7: announced as gone, though it is stored and does not expire');
  });

  test('is broken by an expiry before its time, unless the clock of the database was ahead meanwhile', () => {
    story.publish(4, { ttlMs: 60_000 }).deliver(ANN, 4).gap(BOB, 4, 4);
    expect(story.findings).toEqual(['I7: announced as gone before its time had passed']);
    story = Story.green();
    story.publish(4, { ttlMs: 60_000 }).deliver(ANN, 4);
    story.begin({ fault: 'database-clock', strike: 2, movesClock: true }).gap(BOB, 4, 4).end(2);
    expect(story.findings).toEqual([]);
    story.publish(5, { ttlMs: 60_000 }).deliver(ANN, 5).gap(BOB, 5, 5);
    expect(story.findings).toEqual(['I7: announced as gone before its time had passed']);
  });

  test('is broken by a hole in the log, unless something expired there', () => {
    story.publish(4, { ttlMs: 100 }).gap(ANN, 4, 4).gap(BOB, 4, 4);
    story.rows.pop();
    expect(story.findings).toEqual([]);
    story.invoke(5).store(5).refuse(5);
    story.rows.pop();
    expect(story.findings).toEqual(['I7: missing or twice in the numbering of the log']);
  });
});

test('I8, finality of acknowledgements, is broken by a repeat of what was confirmed', () => {
  story.tell({ event: 'ack-saved', device: ANN, connection: `${ANN} 1`, positions: { [GROUP]: 2 } });
  story.deliver(ANN, 3, { isFresh: 0 });
  expect(story.findings).toEqual([]);
  story.deliver(ANN, 2, { isFresh: 0 });
  expect(story.findings).toEqual(['I8: sent again after its acknowledgement was confirmed']);
});

test('I9, the registry, is broken by ghosts and by connections it does not know', () => {
  story.tell({ event: 'registry', strike: 1, rows: 1, sockets: 1, ghosts: ['x'], missing: ['y'] });
  expect(story.findings).toEqual(['I9: in the registry and open nowhere', 'I9: open and not in the registry']);
});

test('I10, conservation, is broken when SQL counts others than the publishers', () => {
  story.positions.push({ device: ANN, channel: GROUP, deliveredSeq: 3, delivered: 2, pending: 0, expiring: 0 });
  expect(story.findings).toEqual(['I10: accepted is not delivered + pending + expired']);
});

describe('I11, bounded recovery', () => {
  test('is broken by a message that takes longer than the fault allows', () => {
    story.publish(4).deliverToAll(4, 1_500);
    expect(story.findings).toEqual(['I11: recovery took longer than the fault allows (p99)']);
  });

  test('counts from the end of a fault that holds messages up', () => {
    story.wait(10_000).begin({ strike: 2, fault: 'stop-30s', countsFrom: 'end' });
    story.publish(4).wait(30_000).end(2).deliverToAll(4, 300);
    expect(story.verdict.recoveries).toContainEqual(expect.objectContaining({ fault: 'stop-30s', count: 2, max: 600 }));
    expect(story.findings).toEqual([]);
  });
});

test('I11 is broken by a publish without an answer during a fault in which every one gets one', () => {
  story.begin({ strike: 2, answersWithinMs: 5_000 }).invoke(4).wait(6_000).refuse(4).wait(10_000).end(2);
  expect(story.findings).toEqual(['I11: publishes were not answered in time']);
});

describe('I12, drained', () => {
  test('is broken by a device that is not at the end of its channel', () => {
    story.positions.push({ device: ANN, channel: GROUP, deliveredSeq: 2, delivered: 2, pending: 1, expiring: 0 });
    expect(story.findings).toEqual(['I12: still pending for a device that is online']);
  });

  test('is broken by a stored publish of unknown outcome that somebody did not get', () => {
    story.invoke(4).store(4).tell({ event: 'unknown', n: 4, attempt: 1, why: 'cut' }).deliver(ANN, 4);
    expect(story.findings).toEqual(['I12: stored, with an unknown outcome, and never delivered']);
  });
});

test('I13, isolation, is broken when clients that were not hit wait twice as long as in calm', () => {
  story.wait(20_000);
  for (let n = 4; n < 110; n++) story.publish(n).deliverToAll(n);
  story.begin({ strike: 2, fault: 'client-cut', recoversWithinMs: 60_000, touched: ['carl/phone'] });
  for (let n = 110; n < 220; n++) story.publish(n).deliverToAll(n, 600);
  story.end(2);
  expect(story.findings).toEqual(['I13: clients that were not hit waited (p99)']);
});

describe('I14, not vacuous', () => {
  test.each([
    ['few publishes', () => (story.minimum = { acked: 4, faults: 1 })],
    ['few faults', () => (story.minimum = { acked: 3, faults: 2 })],
    ['no redelivery', () => story.events.pop()],
    ['no unknown outcome', () => story.forget(({ event }) => event === 'unknown')],
  ])('is broken by %s', (_what, change) => {
    change();
    expect(story.findings).toEqual(['I14: the run says too little']);
    expect(story.verdict.verdict).toBe('red');
  });
});

test('a fault that could not be done is told and counts for nothing', () => {
  story.begin({ fault: 'disk-full', strike: 2 });
  story.tell({ event: 'fault-not-done', fault: 'disk-full', strike: 2, why: 'deadlock detected' }).end(2);
  expect(story.verdict).toMatchObject({
    ...{ verdict: 'green', faults: 1, faultsByKind: { kill: 1 }, troubles: [] },
    faultsNotDone: ['disk-full: deadlock detected'],
  });
  story.minimum = { ...story.minimum, faults: 2 };
  expect(story.findings).toEqual(['I14: the run says too little']);
});

test('what no fault excuses makes the verdict red', () => {
  story.tell({ event: 'trouble', what: 'instance 1 ended by itself' });
  expect(story.verdict).toMatchObject({ verdict: 'red', troubles: ['instance 1 ended by itself'] });
});

test('a refusal for good of what is right makes the verdict red', () => {
  story.invoke(4).tell({ event: 'refused', n: 4, attempt: 1, code: 5000, isRetryable: false });
  expect(story.verdict).toMatchObject({ verdict: 'red', troubles: ['refused for good: code 5000, 1 ×, as publish 4'] });
});
