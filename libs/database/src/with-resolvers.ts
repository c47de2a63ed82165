export interface WithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/** A promise that its holder resolves; Node 20 has no Promise.withResolvers. */
export function withResolvers(): WithResolvers {
  let resolve!: () => void;
  const promise = new Promise<void>((settled) => (resolve = settled));
  return { promise, resolve };
}
