import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Socket } from 'socket.io';

/** The application's own sockets, at /socket.io, as any gateway of Nest has them. */
@WebSocketGateway()
export class ChatGateway {
  @SubscribeMessage('whoami')
  whoAmI(@ConnectedSocket() socket: Socket): string {
    return socket.id;
  }
}
