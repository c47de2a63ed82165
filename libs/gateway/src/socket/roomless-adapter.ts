import { Adapter } from 'socket.io-adapter';

/** There are no rooms: who reads what is the delivery's business. Two sets for each socket would be 400 bytes. */
export class RoomlessAdapter extends Adapter {
  override addAll(): void {
    // Socket.IO puts each socket into a room of its own.
  }

  override delAll(): void {
    // There is nothing to leave.
  }
}
