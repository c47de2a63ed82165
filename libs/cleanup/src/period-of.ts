import { CronTime } from 'cron';

/** Milliseconds between the next two times of a cron expression. */
export function periodOf(cron: string): number {
  const [first, second] = new CronTime(cron).sendAt(2);
  return first && second ? second.toMillis() - first.toMillis() : 0;
}
