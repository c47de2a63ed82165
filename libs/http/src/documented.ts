import { applyDecorators, UseInterceptors } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiParam, ApiQuery, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { ERROR_CODES, ProtocolError, rest, type ErrorName } from '#protocol';
import { statusOf } from './errors/answer-error.js';
import { JsonTextInterceptor } from './json-text.interceptor.js';

export interface Documented {
  readonly summary: string;
  readonly description?: string;
  readonly answer: z.ZodType;
  readonly body?: z.ZodType;
  readonly bodyExamples?: Record<string, { value: unknown }>;
  readonly query?: z.ZodObject;
  readonly queryExample?: Record<string, string | number | boolean>;
  readonly params?: Record<string, string | { readonly description: string; readonly example: string }>;
  readonly answerExample?: unknown;
  /** These errors are possible beside those of every route. */
  readonly errors: readonly ErrorName[];
  /** The security scheme of the keys that the route takes; left out means that of API_KEYS. */
  readonly keys?: string;
}

const TOO_MANY = 429;

const header = (description: string, example: string) => ({
  description,
  schema: { type: 'string' as const, example },
});
const RETRY_AFTER = { 'Retry-After': header('seconds', '1') };
/** These headers follow draft-ietf-httpapi-ratelimit-headers-11. */
const RATE_HEADERS = {
  'RateLimit-Policy': header(
    'what the key may ask: so many (q) within so many seconds (w)',
    '"key-requests";q=4000;w=2',
  ),
  RateLimit: header('what is left of it (r), for so many seconds (t)', '"key-requests";r=3999;t=2'),
};

/** Describes a route in OpenAPI from the schemas that also validate it, and makes it send stored JSON unchanged. */
export function Documented(route: Documented): MethodDecorator {
  const errors: ErrorName[] = ['API_KEY_INVALID', ...route.errors, 'RATE_LIMITED', 'UNAVAILABLE'];
  const statuses = new Set(errors.map(toStatus));
  return applyDecorators(
    UseInterceptors(JsonTextInterceptor),
    ApiBearerAuth(route.keys),
    ApiOperation({ summary: route.summary, ...(route.description ? { description: route.description } : {}) }),
    ApiResponse({ status: 200, schema: answerOf(route), headers: RATE_HEADERS }),
    ...Object.entries(route.params ?? {}).map(([name, told]) =>
      ApiParam({ name, type: String, ...(typeof told === 'string' ? { description: told } : told) }),
    ),
    ...(route.query ? queries(route.query, route.queryExample) : []),
    ...(route.body
      ? [ApiBody({ schema: schemaOf(route.body, 'input') as never, examples: route.bodyExamples ?? {} })]
      : []),
    ...[...statuses].map((status) =>
      ApiResponse({
        status,
        description: errors
          .filter((errorName) => toStatus(errorName) === status)
          .map((errorName) => `${ERROR_CODES[errorName].code} ${ERROR_CODES[errorName].means}`)
          .join('\n\n'),
        schema: schemaOf(rest.Failure, 'output'),
        ...(status === TOO_MANY ? { headers: { ...RETRY_AFTER, ...RATE_HEADERS } } : {}),
      }),
    ),
  );
}

function toStatus(errorName: ErrorName): number {
  return statusOf(new ProtocolError(errorName, ''));
}

function answerOf({ answer, answerExample }: Documented): object {
  const schema = schemaOf(answer, 'output');
  return answerExample === undefined ? schema : { ...schema, example: answerExample };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io,
    unrepresentable: 'any',
    reused: 'inline',
  });
  return inline(rest);
}

/**
 * Replaces each reference by its definition, because routes share none. A reference to a definition from within itself
 * becomes "any".
 */
function inline({ definitions: defs = {}, ...schema }: Record<string, unknown>): object {
  const definitions = defs as Record<string, unknown>;
  const walk = (node: unknown, open: readonly string[]): unknown => {
    if (Array.isArray(node)) return node.map((item) => walk(item, open));
    if (typeof node !== 'object' || node === null) return node;
    const ref = '$ref' in node && typeof node.$ref === 'string' ? node.$ref.split('/').at(-1) : undefined;
    if (ref !== undefined) return open.includes(ref) ? {} : walk(definitions[ref] ?? {}, [...open, ref]);
    return Object.fromEntries(
      Object.entries(node).flatMap(([key, value]) =>
        key === 'id' && typeof value === 'string' ? [] : [[key, walk(value, open)]],
      ),
    );
  };
  return walk(schema, []) as object;
}

function queries(query: z.ZodObject, example: Documented['queryExample'] = {}): MethodDecorator[] {
  return Object.entries(query.shape).map(([name, schema]) =>
    ApiQuery({
      name,
      required: false,
      schema: {
        ...schemaOf(schema as z.ZodType, 'input'),
        ...(name in example ? { example: example[name] } : {}),
      } as never,
    }),
  );
}
