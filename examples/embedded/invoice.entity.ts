import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
export class Invoice {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('text')
  user!: string;

  @Column('int')
  amount!: number;

  /** The message that tells the user. */
  @Column('uuid')
  noticeId!: string;
}
