export { DeliveryStatus, Undelivered } from './delivery-status.js';
export { OnlineUser } from './online-user.js';
export { viewsIn } from './views-in.js';
