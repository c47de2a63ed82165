/** Preloaded into every server, together with --expose-gc, because garbage must not count as memory of a connection. */
process.on('SIGUSR2', () => globalThis.gc?.());
