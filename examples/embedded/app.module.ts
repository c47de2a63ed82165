import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TrunklineModule } from 'trunkline';
import { DeliveryStatus, OnlineUser, Undelivered } from 'trunkline/views';
import { ChatGateway } from './chat.gateway.js';
import { Invoice } from './invoice.entity.js';
import { InvoicesController } from './invoices.controller.js';

@Module({ controllers: [InvoicesController], providers: [ChatGateway] })
export class AppModule {
  static on(url: string): DynamicModule {
    const entities = [Invoice, DeliveryStatus, Undelivered, OnlineUser];
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRoot({ type: 'postgres', url, entities, synchronize: true }),
        TrunklineModule.forRootAsync({ useFactory: () => ({ settings: { ...process.env, DATABASE_URL: url } }) }),
      ],
    };
  }
}
