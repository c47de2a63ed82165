import type { DeliveryOptions, NewMessage } from '#message-persistence';
import { assertCleanText, bodyIn, channelKind, encodeBody, type BodyLimits, type ChannelKind } from '#protocol';
import type { Author, Outgoing } from '../outgoing.js';
import { newMessageId } from './message-id.js';

export interface MessageRules {
  readonly bodyLimits: BodyLimits;
  /** Milliseconds until a message that was published without `ttlMs` expires, by kind of channel; 0 means never. */
  readonly defaultTtlMs: Readonly<Record<ChannelKind, number>>;
}

/** A message that may be stored. */
export interface PreparedMessage extends NewMessage {
  /** The delivery options that `controls` holds as text. */
  readonly options: DeliveryOptions | null;
}

/**
 * Makes the message that a request asks to publish.
 * @param json the text in which the request came, from which its `data` is taken; undefined if that text is not known
 * @param at the position in that text at which the request begins
 * @throws ProtocolError about the body, BAD_TEXT
 */
export function prepareMessage(
  request: Outgoing,
  json: string | undefined,
  at: number,
  author: Author,
  { bodyLimits, defaultTtlMs }: MessageRules,
): PreparedMessage {
  const body = json === undefined ? encodeBody(request.data, bodyLimits) : bodyIn(json, at, bodyLimits);
  assertClean(request);
  const options = toDeliveryOptions(request);
  return {
    publisher: author.publisher,
    sender: author.sender,
    channel: request.channel,
    id: newMessageId(),
    type: request.type,
    body,
    metadata: request.metadata ? JSON.stringify(request.metadata) : null,
    options,
    controls: options === null ? null : JSON.stringify(options),
    ttlMs: request.ttlMs ?? ttlFor(request.channel, defaultTtlMs),
    publishId: request.publishId ?? null,
  };
}

function ttlFor(channel: string, defaultTtlMs: MessageRules['defaultTtlMs']): number | null {
  const kind = channelKind(channel);
  return (kind && defaultTtlMs[kind]) || null;
}

function assertClean({ type, metadata, publishId, collapseKey }: Outgoing): void {
  assertCleanText(type, 'type');
  if (publishId !== undefined) assertCleanText(publishId, 'publishId');
  if (collapseKey !== undefined) assertCleanText(collapseKey, 'collapseKey');
  if (metadata !== undefined) for (const text of Object.entries(metadata).flat()) assertCleanText(text, 'metadata');
}

const WISHES = ['collapseKey', 'exceptUser', 'exceptDevice', 'exceptConnection', 'receipts'] as const;

/** Picks the delivery options out of a request; most have none, for which this returns null. */
function toDeliveryOptions(request: Outgoing): DeliveryOptions | null {
  const { collapseKey, deliverTo, exceptUser, exceptDevice, exceptConnection, receipts } = request;
  if ((collapseKey ?? deliverTo ?? exceptUser ?? exceptDevice ?? exceptConnection ?? receipts) === undefined)
    return null;
  const controls: DeliveryOptions = {
    ...Object.fromEntries(WISHES.filter((wish) => request[wish] !== undefined).map((wish) => [wish, request[wish]])),
    ...(deliverTo === 'first-device' ? { deliverTo } : {}),
  };
  return Object.keys(controls).length === 0 ? null : controls;
}
