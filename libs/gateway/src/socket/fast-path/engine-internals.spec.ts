import { UNKNOWN_PACKAGES } from './engine-internals.js';

it('the installed Socket.IO and ws are those whose inside is known', () => {
  expect(UNKNOWN_PACKAGES).toEqual([]);
});
