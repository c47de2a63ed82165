import 'reflect-metadata';
import { readSettings, SettingsError, type Settings } from '#config';
import { createLogger } from '#observability';
import { Entrance, InstanceHost } from '#trunkline';
import { endGracefully } from './end-gracefully.js';
import { welcome } from './welcome.js';
import { isExpected, whyNotStarted } from './why-not-started.js';

const USAGE = 'npm start: no arguments; the settings are environment variables, see docs/configuration.md';

async function main(): Promise<void> {
  heedArguments(process.argv.slice(2));
  const settings = read();
  const logger = createLogger(settings.logLevel, settings.logFormat);
  const entrance = Entrance.onPort(settings, settings.admission.maxConnections);
  const host = new InstanceHost(settings, logger, entrance, {
    onServing: (url, isEmbedded) => {
      if (process.stdout.isTTY && !settings.isProduction)
        process.stdout.write(`${welcome(url, isEmbedded).join('\n')}\n`);
    },
    onFailure: (error) => {
      logger.fatal({ err: error }, 'no new identity');
      end('no new identity', 1);
    },
    onDrain: () => end('commanded by an operator', 0),
  });
  const end = endGracefully(() => host.stop(), settings.drain.timeoutMs, logger);
  try {
    await host.start();
  } catch (error) {
    // A signal arrived during the start, and the process is ending already.
    if (host.isStopping) return;
    if (isExpected(error)) logger.debug({ err: error }, 'not started');
    else logger.fatal({ err: error }, 'not started');
    process.stderr.write(`not started: ${whyNotStarted(error, settings)}\n`);
    end('not started', 1);
  }
}

function heedArguments([first]: readonly string[]): void {
  if (first === undefined) return;
  if (first !== '--help' && first !== '-h') fail(`unknown argument ${first}\n${USAGE}`);
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
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
