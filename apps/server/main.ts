import 'reflect-metadata';
import { readSettings, SettingsError, type Settings } from '#config';
import { createLogger } from '#observability';
import { endGracefully } from './end-gracefully.js';
import { Service } from './service.js';

async function main(): Promise<void> {
  const settings = read();
  const logger = createLogger(settings.logLevel, settings.logFormat);
  const service = new Service(
    settings,
    logger,
    (error) => {
      logger.fatal({ err: error }, 'no new identity');
      end('no new identity', 1);
    },
    () => end('ordered by an operator', 0),
  );
  const end = endGracefully(() => service.stop(), settings.drain.timeoutMs, logger);
  await service.start().catch((error: unknown) => {
    logger.fatal({ err: error }, 'not started');
    process.exit(1);
  });
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
