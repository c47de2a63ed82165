import { BadRequestException, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';

/** Lets only bodies of invoices in. */
export class OwnPipe implements PipeTransform {
  transform(value: unknown, { type }: ArgumentMetadata): unknown {
    if (type !== 'body') return value;
    const { user, amount } = (value ?? {}) as { user?: unknown; amount?: unknown };
    if (typeof user !== 'string' || !Number.isInteger(amount)) throw new BadRequestException();
    return value;
  }
}
