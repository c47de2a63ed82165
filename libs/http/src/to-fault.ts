import { classify } from '#database';
import { Fault } from '#protocol';

/** Converts whatever was thrown into a protocol error, which never repeats the text of any other error. */
export function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  switch (classify(error)) {
    case 'refused':
    case 'conflict':
    case 'unknown':
      return new Fault('UNAVAILABLE', 'the database is out of reach; try again', { cause: error });
    case 'data':
      return new Fault('BAD_REQUEST', 'the database refused a value of this request', { cause: error });
    case 'bug':
      return new Fault('INTERNAL', 'a fault of the server; it is in its log', { cause: error });
  }
}
