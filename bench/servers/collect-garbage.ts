/** Preloaded into every server, with --expose-gc: what is garbage must not count as memory of a connection. */
process.on('SIGUSR2', () => globalThis.gc?.());
