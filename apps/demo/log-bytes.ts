import { isUtf8 } from 'node:buffer';

/**
 * Decodes a log as somebody's client wrote it, in whatever encodings its speakers used. A line that is not UTF-8 is
 * read as Latin-1, so that no byte is lost and two nicks never become one (replacement characters would merge them).
 * The result has no NUL and no lone surrogate, which the server would refuse.
 */
export function decodeLog(bytes: Buffer): string {
  const lines = bytes.toString('latin1').split('\n').map(decodeLine);
  return lines
    .join('\n')
    .replace(/^\uFEFF/, '')
    .replaceAll('\0', '\uFFFD');
}

function decodeLine(latin1: string): string {
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : latin1;
}
