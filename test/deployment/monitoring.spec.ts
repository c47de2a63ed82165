import { Cluster } from '../support/cluster.js';
import { Scrape } from '../support/scrape.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { metricsOf, readAlerts, readDashboard, readYaml } from './queries.js';

/** Prometheus' own. */
const ITS_OWN = new Set(['up']);

let test: TestDatabase;
let cluster: Cluster;
let known: Set<string>;

beforeAll(async () => {
  test = await createTestDatabase();
  cluster = new Cluster(test.url, { METRICS: 'on' });
  const server = await cluster.start();
  known = (await Scrape.of(`${server.url}/metrics`)).series;
});
afterAll(async () => {
  try {
    await cluster?.end();
  } finally {
    await test?.drop();
  }
});

function unknown(queries: readonly string[]): string[] {
  const names = new Set(queries.flatMap(metricsOf));
  return [...names].filter((name) => !known.has(name) && !ITS_OWN.has(name));
}

describe('Queries', () => {
  it('are read by a parser that finds metrics, and faults', () => {
    expect(metricsOf('sum by (le) (rate(a_total{b="c"}[5m])) / on (d) group_left (e) max(f) > bool 1')).toEqual([
      'a_total',
      'f',
    ]);
    expect(() => metricsOf('sum by (le (rate(a[5m]))')).toThrow('no PromQL');
    expect(unknown(['trunkline_nonsense_total'])).toEqual(['trunkline_nonsense_total']);
  });
});

describe('The dashboard', () => {
  it('asks for metrics that a server has', async () => {
    const { panels } = await readDashboard();
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(queries.length).toBeGreaterThan(50);
    expect(unknown(queries)).toEqual([]);
  });

  it('shows every metric of ours but those that only others explain', async () => {
    const { panels, templating } = await readDashboard();
    const shown = new Set(panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => metricsOf(expr))));
    const missing = [...known].filter((name) => name.startsWith('trunkline_') && !shown.has(name));
    expect(missing.filter((name) => !/_(bucket|sum|count)$/.test(name))).toEqual(['trunkline_instance_info']);
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'instance']);
  });

  it('shows what each limit refused, and who is suspicious', async () => {
    const { panels } = await readDashboard();
    const panel = panels.find(({ title }) => title === 'Refused by limit');
    expect(panel?.targets?.map(({ expr }) => expr)).toEqual([
      expect.stringContaining('sum by (limit) (rate(trunkline_limited_total'),
    ]);
  });

  it('has its rows, says what each panel shows, and lays none over another', async () => {
    const { panels } = await readDashboard();
    const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title);
    expect(rows).toEqual(['Traffic', 'Latency', 'Connections', 'Database', 'Jobs', 'Process']);
    expect(panels.filter(({ type, description }) => type !== 'row' && !description)).toEqual([]);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

describe('Alerts', () => {
  it('ask for metrics that a server has', async () => {
    expect(unknown((await readAlerts()).map(({ expr }) => expr))).toEqual([]);
  });

  it('each say what they mean and what to do', async () => {
    const alerts = await readAlerts();
    expect(alerts.length).toBeGreaterThan(15);
    for (const { alert, labels, annotations } of alerts) {
      expect(alert).toMatch(/^Trunkline[A-Z]/);
      expect(labels.severity).toMatch(/^(info|warning|critical)$/);
      expect(annotations.summary?.length).toBeGreaterThan(10);
      for (const text of [annotations.description, annotations.action]) expect(text?.length).toBeGreaterThan(30);
    }
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });

  it('tell of wrong keys, refused tokens, floods, and limits that refuse a lot', async () => {
    const alerts = await readAlerts();
    const asking = (what: RegExp) => alerts.filter(({ expr }) => what.test(expr)).map(({ alert }) => alert);
    expect(asking(/trunkline_suspicions_total/)).toEqual([
      'TrunklineWrongKeys',
      'TrunklineRefusedTokens',
      'TrunklineFloods',
    ]);
    expect(asking(/trunkline_limited_total/)).toEqual(['TrunklineLimitsRefuse']);
  });

  it('are loaded by the Prometheus that scrapes three instances', async () => {
    const prometheus = await readYaml<{
      rule_files: string[];
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    }>('prometheus/prometheus.yml');
    expect(prometheus.rule_files).toEqual(['alerts.yml']);
    const [job] = prometheus.scrape_configs;
    expect(job?.job_name).toBe('trunkline'); // the alerts ask for it
    expect(job?.static_configs.flatMap(({ targets }) => targets)).toHaveLength(3);
  });
});
