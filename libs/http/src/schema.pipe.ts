import type { PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { parse } from '#protocol';

/** Parses one argument of a handler with its schema; a value that does not fit becomes a protocol error. */
export class SchemaPipe<S extends z.ZodType> implements PipeTransform<unknown, z.output<S>> {
  constructor(private readonly schema: S) {}

  transform(value: unknown): z.output<S> {
    return parse(this.schema, value);
  }
}
