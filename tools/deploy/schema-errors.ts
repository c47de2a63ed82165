import type { ErrorObject } from 'ajv';

/** Describes the errors together with what ajv found there, which its own texts leave out. */
export function schemaErrors(errors: readonly ErrorObject[] | null | undefined): string[] {
  return (errors ?? []).map(({ instancePath, message, params }) =>
    `${instancePath || '/'} ${message ?? ''} ${JSON.stringify(params)}`.trim(),
  );
}
