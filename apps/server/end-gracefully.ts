import type { Logger } from '#observability';

/**
 * Under npm, Ctrl-C arrives twice, from the terminal and from npm. A second signal within this time is the same one.
 */
const SAME_SIGNAL_MS = 100;

/**
 * Ends the process after `stop`: with exit code 0 on a signal, with 1 on an error that nobody caught. A `stop` that
 * takes too long or fails, or a second signal, ends the process at once with exit code 1.
 * @returns a function that ends the process for another reason
 */
export function endGracefully(
  stop: () => Promise<void>,
  timeoutMs: number,
  logger: Logger,
): (reason: string, exitCode: 0 | 1) => void {
  let exitCode: 0 | 1 | undefined;
  let firstSignalAt: number | undefined;
  const drain = (reason: string, code: 0 | 1): void => {
    const isFirst = exitCode === undefined;
    exitCode = exitCode === 1 ? 1 : code;
    if (!isFirst) return;
    logger.info({ reason }, 'draining');
    setTimeout(() => {
      logger.fatal({ timeoutMs }, 'not drained in time');
      process.exit(1);
    }, timeoutMs).unref();
    stop().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        logger.fatal({ err: error }, 'drain failed');
        process.exit(1);
      },
    );
  };
  const fail = (reason: string) => (error: unknown) => {
    logger.fatal({ err: error }, reason);
    drain(reason, 1);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      firstSignalAt ??= performance.now();
      const isSame = performance.now() - firstSignalAt < SAME_SIGNAL_MS;
      if (exitCode !== undefined && !isSame) process.exit(1);
      drain(signal, exitCode ?? 0);
    });
  }
  process.on('uncaughtException', fail('uncaught exception'));
  process.on('unhandledRejection', fail('unhandled rejection'));
  return drain;
}
