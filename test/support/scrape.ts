const SAMPLE = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/;

/** The metrics of a server by name, as Prometheus would read them. The series of a histogram keep their suffixes. */
export class Scrape {
  private readonly help = new Map<string, string>();
  private readonly types = new Map<string, string>();
  private readonly samples = new Map<string, number>();

  private constructor(readonly text: string) {
    for (const line of text.split('\n')) this.read(line);
  }

  static async of(url: string, headers: Record<string, string> = {}): Promise<Scrape> {
    const response = await fetch(url, { headers });
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    return new Scrape(await response.text());
  }

  /** The names of the metrics, without the suffixes of histograms. */
  get names(): string[] {
    return [...this.types.keys()];
  }

  helpOf(name: string): string {
    return this.help.get(name) ?? '';
  }

  typeOf(name: string): string {
    return this.types.get(name) ?? '';
  }

  /** The names that a query may use. */
  get series(): Set<string> {
    const parts = ['_bucket', '_sum', '_count'];
    return new Set(
      this.names.flatMap((name) => (this.typeOf(name) === 'histogram' ? parts.map((part) => name + part) : [name])),
    );
  }

  /**
   * Finds the value of a series.
   * @param series as it is written, e.g. `trunkline_publishes_total{result="stored"}`
   */
  value(series: string): number | undefined {
    return this.samples.get(series);
  }

  private read(line: string): void {
    const [, comment, about = '', text = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (comment === 'HELP') this.help.set(about, text);
    else if (comment === 'TYPE') this.types.set(about, text);
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
    if (name !== undefined && !line.startsWith('#')) this.samples.set(name + labels, Number(value));
  }
}
