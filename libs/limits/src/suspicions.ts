export type Suspicion = 'refused-token' | 'flood' | 'half-open';

/** Is told which addresses misbehave. What follows from it is its own business: nothing waits for an answer. */
export interface Suspicions {
  note(address: string, reason: Suspicion): void;
}

/** Injection token of the {@link Suspicions}. */
export const SUSPICIONS = Symbol('suspicions');
