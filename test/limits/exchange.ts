import { connect } from 'node:net';

const DEADLINE_MS = 5_000;

/**
 * Sends bytes on a TCP connection of their own, and reads the head of the first answer.
 * @returns the status of the answer, `hung up` if the connection was closed without one, or `silence`
 */
export function exchange(url: string, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let answer = '';
    const finish = (silent: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? silent);
    };
    const timer = setTimeout(finish, DEADLINE_MS, 'silence');
    socket.on('error', () => undefined);
    socket.on('close', () => finish('hung up'));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (answer.includes('\r\n\r\n')) finish('hung up');
    });
  });
}

/** Writes a request as text. */
export function requestText(line: string, headers: readonly string[] = [], body = ''): string {
  return `${[`${line} HTTP/1.1`, 'Host: x', ...headers].join('\r\n')}\r\n\r\n${body}`;
}

/** Writes a request for a WebSocket. `change` replaces some of its header lines. */
export function upgradeText(
  query: string,
  change: Readonly<Record<string, string | undefined>> = {},
  more = '',
): string {
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...change,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return requestText(`GET /socket.io/?${query}`, lines, more);
}
