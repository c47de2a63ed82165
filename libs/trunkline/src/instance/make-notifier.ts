import type { ResolvedSettings } from '#config';
import { PollingNotifier, PostgresNotifier, type Notifier } from '#connection-manager';
import { DedicatedSession, type Database } from '#database';

export interface NotifierNeeds {
  readonly settings: ResolvedSettings;
  readonly database: Database;
  readonly instanceId: string;
  readonly applicationName: string;
  readonly lease: () => { readonly peers: number; beatIfStarted(): Promise<void> };
  readonly warn: (what: string, error: unknown) => void;
}

/** The session outside of the pools, which lends itself to LISTEN and to the lock that proves this instance alive. */
interface Hearing {
  readonly session: DedicatedSession;
  readonly notifier: Notifier;
}

/** Chooses the driver for hints; no other place asks whether hints are on. */
export function makeNotifier({ settings, database, instanceId, applicationName, lease, warn }: NotifierNeeds): Hearing {
  const session = new DedicatedSession({
    url: settings.database.listenUrl,
    applicationName,
    onLost: (error) => {
      warn('dedicated session lost: no LISTEN and no lock until it is back', error);
      // Says that there is no lock for now, or the peers would take its absence for death.
      void lease().beatIfStarted();
    },
  });
  if (!settings.delivery.isNotifyOn) return { session, notifier: new PollingNotifier() };
  const hasPeers = (): boolean => lease().peers > 0;
  const onError = (error: unknown): void => warn('hint not sent, the others poll', error);
  return { session, notifier: new PostgresNotifier(database, session, { instanceId, hasPeers, onError }) };
}
