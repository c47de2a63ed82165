import { ApiKeys } from './api-keys.js';

const keys = new ApiKeys(['shop:the-secret-of-the-shop', 'crm:a:secret:with:colons']);

describe('ApiKeys', () => {
  it('tells whose a secret is', () => {
    expect(keys.nameOf('the-secret-of-the-shop')).toBe('shop');
    expect(keys.nameOf('a:secret:with:colons')).toBe('crm');
  });

  it.each(['', 'shop', 'shop:the-secret-of-the-shop', 'the-secret-of-the-sho', 'THE-SECRET-OF-THE-SHOP', '__proto__'])(
    'knows nobody by %j',
    (secret) => {
      expect(keys.nameOf(secret)).toBeUndefined();
    },
  );

  it('lets nobody in when there are no keys', () => {
    expect(new ApiKeys([]).nameOf('')).toBeUndefined();
  });
});
