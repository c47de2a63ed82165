import { AdminKeys } from './admin-keys.js';

const keys = new AdminKeys(['eyes:a-secret-to-look-with:read', 'hands:a:secret:with:colons:read+operate+purge']);

describe('AdminKeys', () => {
  it('tells whose a secret is, and what it may do', () => {
    expect(keys.adminOf('a-secret-to-look-with')).toEqual({ name: 'eyes', scopes: new Set(['read']) });
    expect(keys.adminOf('a:secret:with:colons')).toEqual({
      name: 'hands',
      scopes: new Set(['read', 'operate', 'purge']),
    });
  });

  it.each([
    '',
    'eyes',
    'a-secret-to-look-with:read',
    'a:secret:with:colons:read+operate+purge',
    'A-SECRET-TO-LOOK-WITH',
  ])('knows nobody by %j', (secret) => expect(keys.adminOf(secret)).toBeUndefined());
});
