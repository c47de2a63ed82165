import { PrometheusMeter } from './prometheus-meter.js';

const about = (name: string) => ({ name, help: 'for this test alone' });
const labelled = (name: string) => ({ ...about(name), label: 'kind' });

describe('PrometheusMeter', () => {
  it('goes on counting for the instance that takes another one’s place, and reads from that one', async () => {
    const meter = new PrometheusMeter();
    meter.counter(about('a_total')).inc(2);
    meter.counters<string>(labelled('b_total'), ['x']).inc('y', 2);
    meter.gauge(about('c'), () => 1);
    meter.gauges(labelled('d'), () => [['old', 1]]);
    meter.counter(about('a_total')).inc();
    meter.counters<string>(labelled('b_total'), ['x']).inc('y');
    meter.gauge(about('c'), () => 2);
    meter.gauges(labelled('d'), () => [['new', 2]]);
    const lines = await ours(meter);
    expect(lines).toEqual(['a_total 3', 'b_total{kind="x"} 0', 'b_total{kind="y"} 3', 'c 2', 'd{kind="new"} 2']);
  });

  it('counts nothing twice, however many scrape at once', async () => {
    const meter = new PrometheusMeter();
    meter.counters(labelled('b_total')).inc('x', 5);
    meter.gauges(labelled('d'), async () => [['x', 5]]);
    const scrapes = await Promise.all([ours(meter), ours(meter), ours(meter)]);
    for (const scrape of scrapes) expect(scrape).toEqual(['b_total{kind="x"} 5', 'd{kind="x"} 5']);
  });

  it('leaves out what cannot be read now', async () => {
    const meter = new PrometheusMeter();
    let value: number | undefined = 1;
    meter.gauge(about('c'), async () => value);
    expect(await ours(meter)).toEqual(['c 1']);
    value = undefined;
    expect(await ours(meter)).toEqual([]);
  });
});

async function ours(meter: PrometheusMeter): Promise<string[]> {
  const lines = (await meter.scrape()).split('\n');
  return lines.filter((line) => /^[a-d](_total)?[ {]/.test(line));
}
