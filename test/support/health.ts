import type { Server } from './server.js';

interface Report {
  readonly details: Record<string, { readonly status: string } & Record<string, unknown>>;
}

export interface Health {
  readonly status: number;
  readonly details: Report['details'];
  /** The names of the parts that are up. */
  readonly up: readonly string[];
  readonly down: readonly string[];
}

/** Asks for the health as a probe without any key does. */
export async function healthOf(server: Pick<Server, 'rest'>, path = ''): Promise<Health> {
  const { status, body } = await server.rest('GET', `/health${path}`, undefined, null);
  const { details } = body as Report;
  const named = (wanted: string): string[] =>
    Object.entries(details)
      .filter(([, part]) => part.status === wanted)
      .map(([name]) => name)
      .sort();
  return { status, details, up: named('up'), down: named('down') };
}
