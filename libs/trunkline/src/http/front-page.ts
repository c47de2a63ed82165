import type { RequestHandler } from 'express';

/** Tells those who open the address of the server in a browser where to go on. */
export function frontPage(path: string, hasDocs: boolean): RequestHandler {
  const signpost = {
    name: 'trunkline',
    docs: { ...(hasDocs ? { rest: `${path}/docs` } : {}), sockets: 'docs/protocol.md' },
    health: `${path}/health`,
    sockets: `${path}/socket.io/`,
  };
  return (request, response, next) => {
    if (request.path === '/' && request.method === 'GET') response.json(signpost);
    else next();
  };
}
