import { createHash, timingSafeEqual } from 'node:crypto';

/** Finds the back end that may use REST by the secret of its key. */
export class ApiKeys {
  private readonly keys: { name: string; digest: Buffer }[];

  /** @param pairs have the form `name:secret` */
  constructor(pairs: readonly string[]) {
    this.keys = pairs.map((pair) => {
      const colon = pair.indexOf(':');
      return { name: pair.slice(0, colon), digest: sha256(pair.slice(colon + 1)) };
    });
  }

  /**
   * Returns the name of the key; undefined means that no key has this secret. The secret's digest is compared with
   * those of all keys, so the time taken shows neither the length of a secret nor the position of its key.
   */
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
