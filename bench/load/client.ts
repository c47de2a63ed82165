import type { Body } from './body.js';

/** The wire a system's clients speak. */
export type Wire = 'trunkline' | 'socketio';

export interface ClientPlan {
  readonly url: string;
  readonly user: string;
}

/** One Socket.IO client as an application would write it. Callbacks rather than promises: thousands a second. */
export interface Client {
  readonly user: string;
  /** Resolves once the server counts it as connected and everything sent to its user from now on reaches it. */
  readonly ready: Promise<void>;
  onMessage: (body: Body) => void;
  /** `done` is called once, with what went wrong if something did. */
  publish(channel: string, body: Body, done: (error?: string) => void): void;
  /** Receives a group's messages from now on: as a member, or as a mere subscriber where the system knows both. */
  join(channel: string, as: 'member' | 'subscriber'): Promise<void>;
  close(): void;
}

/** Of one connection attempt, the wait in the listen queue of a busy server included. */
export const CONNECT_DEADLINE_MS = 60_000;
export const MESSAGE_TYPE = 'bench';
