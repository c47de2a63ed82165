/** Names a behaviour that honest clients rarely show. */
export type Suspicion = 'wrong-key' | 'refused-token' | 'flood' | 'half-open';

/** Takes the reports of the edges about suspicious clients. */
export interface Suspicions {
  /** @param address the address of the client, not of a trusted proxy, as {@link ClientAddress} finds it */
  note(address: string, reason: Suspicion): void;
}
