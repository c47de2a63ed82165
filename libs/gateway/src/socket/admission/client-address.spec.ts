import type { IncomingMessage } from 'node:http';
import { ClientAddress } from './client-address.js';

function request(remoteAddress: string, forwarded?: string): IncomingMessage {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

describe('the address of a client', () => {
  const address = new ClientAddress(['127.0.0.1', '10.0.0.0/8', 'fd00::/8']);

  it.each([
    ['is the socket’s', request('203.0.113.7'), '203.0.113.7'],
    ['is IPv4 if that is what it is', request('::ffff:203.0.113.7'), '203.0.113.7'],
    ['is not what a stranger forwards', request('203.0.113.7', '198.51.100.1'), '203.0.113.7'],
    ['is what a trusted proxy forwards', request('127.0.0.1', '198.51.100.1'), '198.51.100.1'],
    [
      'is what the last one of trusted proxies met',
      request('::ffff:127.0.0.1', '198.51.100.1, 10.2.3.4'),
      '198.51.100.1',
    ],
    ['is not what a client wrote before the proxies', request('10.9.9.9', '1.1.1.1, 198.51.100.1'), '198.51.100.1'],
    ['is the proxy’s where that forwards nonsense', request('127.0.0.1', 'unknown'), '127.0.0.1'],
    ['is what a trusted proxy forwards with a port', request('127.0.0.1', '198.51.100.1:4711'), '198.51.100.1'],
    ['is IPv6 in brackets', request('127.0.0.1', '[2001:db8::1]:4711'), '2001:db8::1'],
    ['may be IPv6', request('fd00::1', '2001:db8::1'), '2001:db8::1'],
  ])('%s', (_, incoming, expected) => {
    expect(address.of(incoming)).toBe(expected);
  });

  it('is the socket’s if no proxy is trusted', () => {
    expect(new ClientAddress([]).of(request('127.0.0.1', '198.51.100.1'))).toBe('127.0.0.1');
  });
});
