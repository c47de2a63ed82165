/** Names a behaviour that honest clients rarely show. */
export type Suspicion = 'wrong-key' | 'refused-token' | 'flood' | 'half-open';
