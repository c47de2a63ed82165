/** A change that somebody asks for through REST. */
export interface Change {
  /** The name of the key that was shown. */
  readonly by: string;
  readonly action: string;
  readonly target: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId: string | null;
}

/** Where changes made through REST are written down. */
export abstract class ChangeLog {
  /** Before the change: what cannot be written down is not done. @returns what {@link end} wants */
  abstract begin(change: Change): Promise<number>;

  /** After the change. @param result `ok`, or the error */
  abstract end(id: number, result: string): Promise<void>;
}
