export * as admin from './admin.js';
export type { AdminScope } from './admin.js';
export { assertCleanText, bodyIn, DEFAULT_BODY_LIMITS, encodeBody, type BodyLimits } from './body.js';
export {
  Channel,
  GroupChannel,
  Identifier,
  UserId,
  channelKind,
  inboxOf,
  isUserId,
  userOf,
  type ChannelKind,
} from './channel.js';
export {
  ACK_CHANNELS_MAX,
  BackendPublish,
  BackendSchedule,
  HISTORY_LIMIT,
  REQUESTS,
  type Ack,
  type Cancelled,
  type HistoryPage,
  type Publish,
  type Published,
  type Scheduled,
  type RequestName,
  type RequestPayload,
  type RequestResult,
} from './client-requests.js';
export { ERROR_CODES, ProtocolError, type ErrorName, type WireError } from './errors.js';
export { GRANT_VERBS, Grant, isGranted, matchesPattern, type GrantVerb } from './grant.js';
export { DEFAULT_DEVICE, Handshake, HandshakeToken } from './handshake.js';
export { findMember, startOfSecondItem, startsOfItems } from './json-scan.js';
export { JsonText, toJson } from './json-text.js';
export { Message, METADATA_MAX_KEYS, type MessageRecord } from './message.js';
export { isRequest, parseRequest } from './parse-request.js';
export { parse } from './parse.js';
export { PresenceChannel, type ChannelPresence, type UserPresence } from './presence.js';
export { Receipt, ReceiptState } from './receipt.js';
export * as rest from './rest.js';
export { EVENTS, type EventName, type EventPayload, type GapReason } from './server-events.js';
