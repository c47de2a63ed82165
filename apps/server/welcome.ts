/** Greets those who try the server out in a terminal. */
export function welcome(url: string, isEmbedded: boolean): string[] {
  return [
    `Trunkline serves on ${url}${isEmbedded ? ', with an embedded PostgreSQL for development' : ''}. Ctrl-C ends it.`,
    'A token:  npm run -s token -- --user ann',
    'A client: README.md, "A client"; the sockets are described in docs/protocol.md',
    `REST:     ${url}/docs`,
  ];
}
