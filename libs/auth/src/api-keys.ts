import { createHash, timingSafeEqual } from 'node:crypto';

/** The back ends that may use REST, by secret. */
export class ApiKeys {
  private readonly keys: { name: string; digest: Buffer }[];

  /** @param pairs `name:secret` */
  constructor(pairs: readonly string[]) {
    this.keys = pairs.map((pair) => {
      const colon = pair.indexOf(':');
      return { name: pair.slice(0, colon), digest: sha256(pair.slice(colon + 1)) };
    });
  }

  /** The name of the key, or undefined. Compares digests with all keys: neither length nor place shows in the time. */
  nameOf(secret: string): string | undefined {
    const digest = sha256(secret);
    let found: string | undefined;
    for (const key of this.keys) if (timingSafeEqual(key.digest, digest)) found = key.name;
    return found;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
