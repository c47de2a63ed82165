import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
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
      await queryRunner.query(await readStatements(file));
    }

    /** Refuses, see docs/decisions/0012-migrations-only-go-forward.md. */
    down(): Promise<void> {
      return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
    }
  };
}

function readStatements(file: string): Promise<string> {
  return readFile(join(import.meta.dirname, file), 'utf8');
}
