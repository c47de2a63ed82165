import 'reflect-metadata';
import { readSettings, SettingsError, type Settings } from '#config';
import { createLogger } from '#observability';
import { Instance } from './instance.js';

/** Ends the process on a drain that takes too long, an error nobody caught, or a second signal. */
async function main(): Promise<void> {
  const settings = read();
  const logger = createLogger(settings.logLevel);
  const instance = await Instance.start(settings, logger).catch((error: unknown) => {
    logger.fatal({ err: error }, 'not started');
    process.exit(1);
  });
  let isStopping = false;
  const stop = (reason: string, exitCode: number): void => {
    if (isStopping) process.exit(exitCode || 1);
    isStopping = true;
    logger.info({ reason }, 'draining');
    setTimeout(() => process.exit(exitCode || 1), settings.drainTimeoutMs).unref();
    instance.stop().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        logger.error({ err: error }, 'drain failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM', 0));
  process.on('SIGINT', () => stop('SIGINT', 0));
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'uncaught exception');
    stop('uncaught exception', 1);
  });
  process.on('unhandledRejection', (error) => {
    logger.fatal({ err: error }, 'unhandled rejection');
    stop('unhandled rejection', 1);
  });
  logger.info({ instanceId: instance.id, url: await instance.url(), docs: `${await instance.url()}/docs` }, 'serving');
}

function read(): Settings {
  try {
    return readSettings();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

await main();
