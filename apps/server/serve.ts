import 'reflect-metadata';
import { readSettings, SettingsError, type Settings } from '#config';
import { createLogger } from '#observability';
import { endGracefully } from './end-gracefully.js';
import { Service } from './service.js';
import { isExpected, whyNotStarted } from './why-not-started.js';

async function main(): Promise<void> {
  if (process.argv.length > 2)
    fail(`unknown argument ${process.argv[2]}: settings come from the environment, see docs/configuration.md`);
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
  try {
    await service.start();
  } catch (error) {
    // Told to end while it started: then that is what happens.
    if (service.isStopping) return;
    if (isExpected(error)) logger.debug({ err: error }, 'not started');
    else logger.fatal({ err: error }, 'not started');
    process.stderr.write(`not started: ${whyNotStarted(error, settings)}\n`);
    end('not started', 1);
  }
}

function read(): Settings {
  try {
    return readSettings();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return fail(error.message);
  }
}

function fail(line: string): never {
  process.stderr.write(`${line}\n`);
  process.exit(1);
}

await main();
