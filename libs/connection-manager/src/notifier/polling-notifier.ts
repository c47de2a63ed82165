import { Notifier } from './notifier.port.js';

/** The driver that sends and hears nothing, for `NOTIFY=off` and behind a pooler: instances find all by polling. */
export class PollingNotifier extends Notifier {
  readonly state = 'polling';
  readonly hasAudience = false;

  wakeReaders(): Promise<number> {
    return Promise.resolve(0);
  }

  tell(): Promise<void> {
    return Promise.resolve();
  }

  announce(): Promise<void> {
    return Promise.resolve();
  }
}
