import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { startEmbeddedPostgres } from 'trunkline';
import { AppModule } from './app.module.js';
import { OwnFilter } from './own.filter.js';
import { OwnPipe } from './own.pipe.js';

/*
 * An application with Trunkline inside, on one HTTP server and one database. Everything set up here is for its own
 * routes; what is below /trunkline does not meet it.
 */
const embedded =
  process.env['DATABASE_URL'] === undefined
    ? await startEmbeddedPostgres({ directory: '.trunkline', log: () => undefined })
    : undefined;
const app = await NestFactory.create(AppModule.on(process.env['DATABASE_URL'] ?? embedded?.url ?? ''));
app.setGlobalPrefix('api');
app.enableCors({ origin: 'https://shop.example' });
app.useGlobalFilters(new OwnFilter());
app.useGlobalPipes(new OwnPipe());
await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');
console.log(`the example serves on ${await app.getUrl()}`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end());

async function end(): Promise<void> {
  await app.close(); // Trunkline sends its clients elsewhere first
  await embedded?.stop();
}
