export { DeliveryStatus, Undelivered } from './delivery-status.js';
export { OnlineUser } from './online-user.js';
