import type { Body } from './body.js';

/** The protocol that the clients of a system speak. */
export type Wire = 'trunkline' | 'socketio';

export interface ClientPlan {
  readonly url: string;
  readonly user: string;
}

/**
 * A Socket.IO client as an application would write it. It takes callbacks rather than promises, because it publishes
 * thousands of messages a second.
 */
export interface Client {
  readonly user: string;
  /**
   * Resolves once the server counts the client as connected, and delivers to it everything sent to its user from then
   * on.
   */
  readonly ready: Promise<void>;
  onMessage: (body: Body) => void;
  /** Publishes a message. `done` is called once, with the error if there was one. */
  publish(channel: string, body: Body, done: (error?: string) => void): void;
  /**
   * Receives a group's messages from now on: as a member, or as a mere subscriber in systems that distinguish the two.
   */
  join(channel: string, as: 'member' | 'subscriber'): Promise<void>;
  close(): void;
}

/** Limits one connection attempt, including its wait in the listen queue of a busy server. */
export const CONNECT_DEADLINE_MS = 60_000;
export const MESSAGE_TYPE = 'bench';
