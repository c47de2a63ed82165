export { GatewayModule } from './gateway.module.js';
export { ClientGateway } from './socket/client.gateway.js';
export { SocketAdapter } from './socket/socket-adapter.js';
