import { ViewColumn, ViewEntity } from 'typeorm';
import { NUMBER } from './number-column.js';

/** One row for each user who is online, on whichever instance. */
@ViewEntity({ schema: 'trunkline', name: 'online_users', synchronize: false })
export class OnlineUser {
  @ViewColumn({ name: 'user_id' })
  readonly userId!: string;

  /** How many of its connections are alive. */
  @ViewColumn(NUMBER)
  readonly connections!: number;

  @ViewColumn({ name: 'online_since' })
  readonly onlineSince!: Date;
}
