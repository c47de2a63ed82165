export { GatewayModule } from './gateway.module.js';
export { ClientAddress } from './socket/client-address.js';
export { ClientGateway } from './socket/client.gateway.js';
export { maxFrameBytes } from './socket/frame-limit.js';
export { SocketAdapter } from './socket/socket-adapter.js';
