import type { NextFunction, Request, Response } from 'express';
import type { Readiness } from '#health';

/**
 * Ends each HTTP connection with its next answer once the drain has begun. The server waits for connections that are in
 * use; one whose client goes on asking would keep it from ever closing.
 */
export function closeWhenDraining(readiness: Readiness) {
  return (_request: Request, response: Response, next: NextFunction): void => {
    if (!readiness.isReady) response.setHeader('Connection', 'close');
    next();
  };
}
