import { ProtocolError } from '#protocol';

/** The answer to a publish id that is known with another body. */
export function publishIdReused(): ProtocolError {
  return new ProtocolError('PUBLISH_ID_REUSED', 'publishId: was used before for this channel with another body');
}
