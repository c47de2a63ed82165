import { collectDefaultMetrics, Counter, Gauge, Histogram as PrometheusHistogram, Registry } from 'prom-client';
import { Count, Counts, type Described, type Histogram, type Histograms, type Labelled, type Meter } from './meter.js';

/**
 * Gives the metrics of this process in Prometheus' text format; only this class knows prom-client. A process has one of
 * them, also when its instance is replaced, so that the counters go on.
 */
export class PrometheusMeter implements Meter {
  readonly isOn = true;
  private readonly registry = new Registry();
  private readonly known = new Map<string, unknown>();

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** Returns all metrics as text. */
  scrape(): Promise<string> {
    return this.registry.metrics();
  }

  counter({ name, help }: Described): Count {
    return this.once(name, () => {
      const count = new Count();
      const collect = function (this: Counter): void {
        this.reset();
        this.inc(count.total);
      };
      new Counter({ name, help, registers: [this.registry], collect });
      return count;
    });
  }

  counters<Label extends string>({ name, help, label }: Labelled, known: readonly Label[] = []): Counts<Label> {
    return this.once(name, () => {
      const counts = new Counts<Label>();
      for (const value of known) counts.inc(value, 0);
      const collect = function (this: Counter): void {
        this.reset();
        for (const [value, total] of counts.totals) this.inc({ [label]: value }, total);
      };
      new Counter({ name, help, labelNames: [label], registers: [this.registry], collect });
      return counts;
    });
  }

  histogram({ name, help }: Described, buckets: readonly number[]): Histogram {
    return this.once(
      name,
      () => new PrometheusHistogram({ name, help, buckets: [...buckets], registers: [this.registry] }),
    );
  }

  histograms<Label extends string>({ name, help, label }: Labelled, buckets: readonly number[]): Histograms<Label> {
    return this.once(name, () => {
      const labelNames = [label];
      const all = new PrometheusHistogram({
        name,
        help,
        labelNames,
        buckets: [...buckets],
        registers: [this.registry],
      });
      const byLabel = new Map<Label, Histogram>();
      const find = (value: Label): Histogram => {
        const found = byLabel.get(value) ?? all.labels(value);
        byLabel.set(value, found);
        return found;
      };
      return { observe: (value, measured) => find(value).observe(measured) };
    });
  }

  gauge({ name, help }: Described, read: Parameters<Meter['gauge']>[1]): void {
    this.registry.removeSingleMetric(name);
    const collect = async function (this: Gauge): Promise<void> {
      const value = await read();
      if (value === undefined) this.remove();
      else this.set(value);
    };
    new Gauge({ name, help, registers: [this.registry], collect });
  }

  gauges({ name, help, label }: Labelled, read: Parameters<Meter['gauges']>[1]): void {
    this.registry.removeSingleMetric(name);
    const collect = async function (this: Gauge): Promise<void> {
      const values = await read();
      this.reset();
      for (const [labelled, value] of values) this.set({ [label]: labelled }, value);
    };
    new Gauge({ name, help, labelNames: [label], registers: [this.registry], collect });
  }

  private once<T>(name: string, make: () => T): T {
    const known = this.known.get(name) ?? make();
    this.known.set(name, known);
    return known as T;
  }
}
