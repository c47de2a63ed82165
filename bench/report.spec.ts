import { describe, expect, it } from '@jest/globals';
import { describeMachine } from './machine.js';
import { makeReport } from './report.js';
import type { Measurement, Scenario } from './scenarios/scenario.js';
import { tableOf } from './table.js';

const SCENARIO: Scenario = {
  letter: 'x',
  title: 'a test',
  metrics: [
    { name: 'rate', unit: 'messages/s' },
    { name: 'not measured', unit: 'ms' },
  ],
  open: async () => [],
};

const measured = (rate: number, lost = 0): Measurement => ({
  figures: { rate },
  cpu: { rate: { servers: 10, load: 2 } },
  checks: { expected: 100, lost, duplicated: 0, disordered: 0, refused: 0 },
});

const measurements = new Map([
  ['trunkline', [measured(300, 1), measured(100), measured(200, 2)]],
  ['peer', [measured(50), measured(70), measured(60)]],
]);

describe('a report', () => {
  const report = makeReport(SCENARIO, measurements, 3, describeMachine());

  it('gives medians, the ratio of the medians, and what of ours was lost', () => {
    expect(report).toMatchObject({
      scenario: 'x',
      unit: 'messages/s',
      rounds: 3,
      results: { trunkline: { median: 200, min: 100, max: 300 }, peer: { median: 60, min: 50, max: 70 } },
      ratios: { peer: 3.33 },
      lost: 3,
    });
  });

  it('leaves out what was not measured', () => {
    expect(report.metrics.map(({ metric }) => metric)).toEqual(['rate']);
  });

  it('reads as a table', () => {
    expect(tableOf(report)).toMatch(/peer +60 +50 +70 +3\.33 ×/);
    expect(tableOf(report)).toContain('trunkline: 300 deliveries, 3 lost, 0 duplicated, 0 out of order, 0 refused');
  });
});
