import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_SCHEMA, inSchema } from '#database';
import type { MigrationInterface, QueryRunner } from 'typeorm';

export type SqlMigration = new () => MigrationInterface;

/**
 * Makes the migration whose statements stand in a file of this folder, such as `0001-log.sql`. TypeORM orders migrations by
 * the last 13 digits of their names, so this one is named `log_0000000000001`. The file is read when it is applied,
 * because nearly every start applies nothing.
 */
export function sqlMigration(file: string): SqlMigration {
  const [, number = '', title = ''] = /^(\d{4})-([a-z-]+)\.sql$/.exec(file) ?? [];
  const name = `${title}_${number.padStart(13, '0')}`;
  return class implements MigrationInterface {
    static readonly name = name;

    async up(queryRunner: QueryRunner): Promise<void> {
      const { schema = DEFAULT_SCHEMA } = queryRunner.connection.options as { schema?: string };
      await queryRunner.query(inSchema(await readStatements(file), schema));
    }

    /** Refuses, see docs/decisions/0012-migrations-only-go-forward.md. */
    down(): Promise<void> {
      return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
    }
  };
}

/** Returns the file of a migration that goes by this name in the table of TypeORM. */
export function fileOf(name: string): string {
  return name.replace(/^(.+)_0*(\d{4})$/, '$2-$1.sql');
}

function readStatements(file: string): Promise<string> {
  return readFile(join(import.meta.dirname, file), 'utf8');
}
