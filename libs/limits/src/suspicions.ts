/** What a client did that honest clients rarely do. */
export type Suspicion = 'wrong-key' | 'refused-token' | 'flood' | 'half-open';

/** Where the edges say what they have seen. */
export interface Suspicions {
  /** @param address as {@link ClientAddress} finds it: of the client, not of a trusted proxy */
  note(address: string, reason: Suspicion): void;
}
