import { channelKind } from './channel.js';
import {
  ACK_CHANNELS_MAX,
  PUBLISH_ID_MAX,
  REQUESTS,
  type RequestName,
  type RequestPayload,
} from './client-requests.js';
import { RESERVED_TYPE_PREFIX, TYPE_MAX } from './message.js';
import { parse } from './parse.js';

export function isRequest(name: string): name is RequestName {
  return Object.hasOwn(REQUESTS, name);
}

/** Returns the payload in the shape of its schema. @throws ProtocolError */
export function parseRequest<N extends RequestName>(name: N, payload: unknown): RequestPayload<N> {
  if (isPlain(name, payload)) return payload as RequestPayload<N>;
  return parse(REQUESTS[name].payload, payload) as RequestPayload<N>;
}

/**
 * True for the usual shapes of `publish` and `ack`, which make up most of the traffic. Such a payload would come out of
 * its schema unchanged (parse-request.spec.ts checks this), but zod would make two objects for each possible field. On
 * every other payload the schema decides and says what is wrong.
 */
function isPlain(name: RequestName, payload: unknown): boolean {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return false;
  if (name === 'publish') return isPlainPublish(payload);
  return name === 'ack' && isPlainAck(payload);
}

function isPlainPublish(value: object): boolean {
  for (const key in value) {
    if (key !== 'channel' && key !== 'type' && key !== 'data' && key !== 'publishId') return false;
  }
  const { channel, type, data, publishId } = value as Record<string, unknown>;
  return (
    isChannel(channel) && isType(type) && data !== undefined && (publishId === undefined || isPublishId(publishId))
  );
}

function isPlainAck(value: object): boolean {
  let channels = 0;
  for (const channel in value) {
    const seq = (value as Record<string, unknown>)[channel];
    if (!isChannel(channel) || !Number.isSafeInteger(seq) || (seq as number) < 0) return false;
    channels += 1;
  }
  return channels <= ACK_CHANNELS_MAX;
}

function isChannel(channel: unknown): boolean {
  return typeof channel === 'string' && channelKind(channel) !== undefined;
}

function isType(type: unknown): boolean {
  return (
    typeof type === 'string' && type.length >= 1 && type.length <= TYPE_MAX && !type.startsWith(RESERVED_TYPE_PREFIX)
  );
}

function isPublishId(id: unknown): boolean {
  return typeof id === 'string' && id.length >= 1 && id.length <= PUBLISH_ID_MAX;
}
