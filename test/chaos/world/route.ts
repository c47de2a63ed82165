import type { Publish, WireError } from '#protocol';
import { API_KEY } from '../../support/server.js';
import type { ProxiedLink } from './cable.js';
import type { Device } from './device.js';
import type { Slot } from './slot.js';

/** The result of one attempt to publish. */
export type Answer =
  | {
      readonly outcome: 'ok';
      readonly seq: number | undefined;
      readonly id: string | undefined;
      readonly isRepeated: boolean;
    }
  | { readonly outcome: 'refused'; readonly code: number; readonly isRetryable: boolean }
  | { readonly outcome: 'unknown'; readonly why: string };

/** A way to publish. */
export interface Route {
  readonly publisher: string;
  /** The instance to which the next attempt goes. */
  readonly via: string;
  /** Resolves when an attempt may be made. */
  whenOpen(signal: AbortSignal): Promise<void>;
  /** Tries once. The promise never rejects. */
  attempt(request: Publish): Promise<Answer>;
  /** Breaks the connection, so that an attempt under way stays without an answer. */
  cut(): void;
}

/**
 * After this time the outcome counts as unknown. It is longer than the server tries, and shorter than a publisher does.
 */
const ANSWER_TIMEOUT_MS = 6_000;
const OUTCOME_UNKNOWN = 4002;

/** Publishes over the connection on which the device also receives. */
export class SocketRoute implements Route {
  readonly publisher: string;

  constructor(private readonly device: Device) {
    this.publisher = device.name;
  }

  get via(): string {
    return this.device.link.slot?.name ?? '';
  }

  whenOpen(signal: AbortSignal): Promise<void> {
    return this.device.whenReady(signal);
  }

  async attempt(request: Publish): Promise<Answer> {
    try {
      return toAnswer(await this.device.ask('publish', request, ANSWER_TIMEOUT_MS));
    } catch (error) {
      // Silence means that something is wrong with this connection, or with the instance behind it.
      if (String(error).includes('timed out')) this.device.moveOn('no answer');
      return { outcome: 'unknown', why: String(error) };
    }
  }

  cut(): void {
    this.device.link.proxy.resetAll();
  }
}

/** Publishes over REST, as a back end does. */
export class RestRoute implements Route {
  /** The address to which the requests go, if not through the proxied link. */
  detour: string | undefined;

  constructor(
    readonly publisher: string,
    private readonly link: ProxiedLink,
    private readonly pickSlot: () => Slot | undefined,
  ) {}

  get via(): string {
    return this.link.slot?.name ?? '';
  }

  whenOpen(): Promise<void> {
    this.link.slot ??= this.pickSlot();
    return Promise.resolve();
  }

  async attempt(request: Publish): Promise<Answer> {
    try {
      const response = await fetch(`${this.detour ?? this.link.url}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
        body: JSON.stringify(request),
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      const answer = toAnswer(await response.json());
      if (answer.outcome !== 'ok') this.moveOn();
      return answer;
    } catch (error) {
      this.moveOn();
      return { outcome: 'unknown', why: describe(error) };
    }
  }

  cut(): void {
    this.link.proxy.resetAll();
  }

  /** The next attempt may go to another instance. */
  private moveOn(): void {
    this.link.slot = undefined;
    this.link.proxy.resetAll();
  }
}

function toAnswer(answer: unknown): Answer {
  const { ok, seq, id, repeated, error } = answer as {
    ok: boolean;
    seq?: number;
    id?: string;
    repeated?: boolean;
    error?: WireError;
  };
  if (ok) return { outcome: 'ok', seq, id, isRepeated: repeated === true };
  if (error?.code === OUTCOME_UNKNOWN) return { outcome: 'unknown', why: error.message };
  return { outcome: 'refused', code: error?.code ?? 0, isRetryable: error?.retryable === true };
}

function describe(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${String(error)}${cause}`;
}
