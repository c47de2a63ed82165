import type { Histogram, Meter, Tracing } from '#observability';
import type { AppendItem } from './new-message.js';

const SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Measures appends: a histogram of the sizes of batches, and a span for each batch with a traced message. */
export class AppendObserver {
  private readonly sizes: Histogram;

  constructor(
    meter: Meter,
    private readonly tracing: Tracing | undefined,
  ) {
    this.sizes = meter.histogram(
      { name: 'trunkline_append_batch_messages', help: 'Messages stored by one commit' },
      SIZES,
    );
  }

  /** @param run the append under way; its failure only ends the span, because whoever started it handles the error */
  watch(items: readonly AppendItem[], run: Promise<unknown>): void {
    this.sizes.observe(items.length);
    const { tracing } = this;
    if (!tracing) return;
    const span = tracing.startBatch(
      'append',
      items.map(({ message }) => tracing.contextOf(message.metadata)),
      items.length,
    );
    if (span)
      void run.then(
        () => span.end(),
        () => span.fail('append failed'),
      );
  }
}
