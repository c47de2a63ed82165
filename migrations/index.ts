import { sqlMigration } from './sql-migration.js';

export { fileOf } from './sql-migration.js';

/**
 * The migrations in the order in which they are applied, one file per owner of tables. A file of a release never changes:
 * what comes after it is another file.
 */
export const MIGRATIONS = [
  sqlMigration('0001-log.sql'),
  sqlMigration('0002-recipients.sql'),
  sqlMigration('0003-registry.sql'),
  sqlMigration('0004-sessions.sql'),
  sqlMigration('0005-presence.sql'),
  sqlMigration('0006-bodies.sql'),
  sqlMigration('0007-outbox.sql'),
  sqlMigration('0008-ledger.sql'),
  sqlMigration('0009-retention.sql'),
  sqlMigration('0010-erasure.sql'),
  sqlMigration('0011-operations.sql'),
  sqlMigration('0012-limits.sql'),
];
