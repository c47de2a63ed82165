export { AdminKeys, type Admin } from './admin-keys.js';
export { ApiKeys } from './api-keys.js';
export { signToken, Tokens, type Identity } from './tokens.js';
