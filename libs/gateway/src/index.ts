export { GatewayModule } from './gateway.module.js';
export { ClientAddress } from './socket/admission/client-address.js';
export { ClientGateway } from './socket/client.gateway.js';
export { SocketAdapter } from './socket/socket-adapter.js';
export { maxFrameBytes } from './socket/throttle/frame-limit.js';
