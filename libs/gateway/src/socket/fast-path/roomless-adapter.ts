import { Adapter } from 'socket.io-adapter';

/** Keeps no rooms, because the delivery decides which socket reads what. Two sets per socket would be 400 bytes. */
export class RoomlessAdapter extends Adapter {
  override addAll(): void {
    // Socket.IO would put each socket into a room of its own.
  }

  override delAll(): void {
    // There are no rooms to leave.
  }
}
