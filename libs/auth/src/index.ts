export { AdminKeys, type Admin } from './admin-keys.js';
export { ApiKeys } from './api-keys.js';
export { isPermitted, mayMembers, type ChannelRight } from './permissions.js';
export { signToken, Tokens, type Identity } from './tokens.js';
