import { ViewEntity } from 'typeorm';
import { DeliveryStatus, Undelivered } from './delivery-status.js';
import { OnlineUser } from './online-user.js';

/** The view entities of a product whose `DATABASE_SCHEMA` is not `trunkline`. They stand in for those of that name. */
export interface Views {
  readonly DeliveryStatus: typeof DeliveryStatus;
  readonly Undelivered: typeof Undelivered;
  readonly OnlineUser: typeof OnlineUser;
}

/** Makes the view entities of the product in this schema. */
export function viewsIn(schema: string): Views {
  const view = <T extends new () => object>(name: string, entity: T): T => {
    ViewEntity({ schema, name, synchronize: false })(entity);
    return entity;
  };
  return {
    DeliveryStatus: view('delivery_status', class extends DeliveryStatus {}),
    Undelivered: view('undelivered', class extends Undelivered {}),
    OnlineUser: view('online_users', class extends OnlineUser {}),
  };
}
