import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * Finds the address that a request comes from: that of its socket, unless that is a trusted proxy. Each proxy appends
 * the address it was connected from to X-Forwarded-For, so the list is read from its end for as long as the writer of
 * an entry is trusted. Entries before that may have been written by anybody.
 */
export class ClientAddress {
  private readonly trusted = new BlockList();

  /** @param proxies the trusted proxies, as addresses or networks (10.0.0.0/8) */
  constructor(proxies: readonly string[]) {
    for (const proxy of proxies) {
      const [address = '', bits] = proxy.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.trusted.addAddress(address, family);
      else this.trusted.addSubnet(address, Number(bits), family);
    }
  }

  of({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): string {
    let address = plain(socket.remoteAddress ?? '');
    const forwarded = headers['x-forwarded-for'];
    if (forwarded === undefined) return address;
    const claims = [forwarded].flat().join(',').split(',');
    for (const claimed of claims.map((part) => plain(withoutPort(part.trim()))).reverse()) {
      if (isIP(claimed) === 0 || !this.isTrusted(address)) break;
      address = claimed;
    }
    return address;
  }

  isTrusted(socketAddress: string): boolean {
    const address = plain(socketAddress);
    return this.trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }
}

/** Some proxies append the port: `203.0.113.7:5678`, `[2001:db8::1]:5678`. */
function withoutPort(claimed: string): string {
  return /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(claimed)?.[1] ?? /^\[([^\]]+)\](:\d+)?$/.exec(claimed)?.[1] ?? claimed;
}

/** Returns an IPv4 address as such, also if a socket that accepts both IPv4 and IPv6 shows it as IPv6. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
