import type { RequestHandler } from 'express';

/** Tells those who open the address of the server in a browser where to go on. */
export function frontPage(hasDocs: boolean): RequestHandler {
  const signpost = {
    name: 'trunkline',
    docs: { ...(hasDocs ? { rest: '/docs' } : {}), sockets: 'docs/protocol.md' },
    health: '/health',
    sockets: '/socket.io/',
  };
  return (request, response, next) => {
    if (request.path === '/' && request.method === 'GET') response.json(signpost);
    else next();
  };
}

/** Greets those who try the server out in a terminal. */
export function welcome(url: string, isEmbedded: boolean): string[] {
  return [
    `Trunkline serves on ${url}${isEmbedded ? ', with an embedded PostgreSQL for development' : ''}. Ctrl-C ends it.`,
    'A token:  npm run -s token -- --user ann',
    'A client: README.md, "A client"; the sockets are described in docs/protocol.md',
    `REST:     ${url}/docs`,
  ];
}
