import { Body, Controller, Get, Post, UnprocessableEntityException } from '@nestjs/common';
import { Trunkline } from 'trunkline';
import { OnlineUser, Undelivered } from 'trunkline/views';
import { DataSource } from 'typeorm';
import { Invoice } from './invoice.entity.js';

const LIMIT = 1_000;

@Controller('invoices')
export class InvoicesController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly trunkline: Trunkline,
  ) {}

  /** Stores an invoice and tells its user: both or, beyond the limit, neither. */
  @Post()
  create(@Body() { user, amount }: { user: string; amount: number }): Promise<Invoice> {
    return this.dataSource.transaction(async (manager) => {
      const message = { channel: `user:${user}`, type: 'invoice', data: { amount } };
      const noticeId = await this.trunkline.in(manager).publish(message);
      const invoice = await manager.save(Invoice, { user, amount, noticeId });
      if (amount > LIMIT) throw new UnprocessableEntityException('too much');
      return invoice;
    });
  }

  /** The invoices whose users have not been told yet. */
  @Get('untold')
  untold(): Promise<Invoice[]> {
    return this.dataSource
      .createQueryBuilder(Invoice, 'invoice')
      .innerJoin(Undelivered, 'undelivered', 'undelivered.messageId = invoice.noticeId')
      .getMany();
  }

  /** The invoices of users who are online. */
  @Get('online')
  online(): Promise<Invoice[]> {
    return this.dataSource
      .createQueryBuilder(Invoice, 'invoice')
      .innerJoin(OnlineUser, 'online', 'online.userId = invoice.user')
      .getMany();
  }
}
