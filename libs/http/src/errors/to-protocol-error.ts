import { classify } from '#database';
import { ProtocolError } from '#protocol';

/** Converts whatever was thrown into a protocol error, which never repeats the text of any other error. */
export function toProtocolError(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  switch (classify(error)) {
    case 'refused':
    case 'conflict':
    case 'unknown':
      return new ProtocolError('UNAVAILABLE', 'the database is out of reach; try again', { cause: error });
    case 'data':
      return new ProtocolError('BAD_REQUEST', 'the database refused a value of this request', { cause: error });
    case 'bug':
      return new ProtocolError('INTERNAL', 'a fault of the server; it is in its log', { cause: error });
  }
}
