import type { BackendPublish } from '#protocol';

/** The publisher: decided by the token or the API key, never by the request. */
export interface Author {
  /** Owner of the publish ids: `user:<id>` or `api:<name>`. */
  readonly publisher: string;
  /** Shown to recipients; null for a back end. */
  readonly sender: string | null;
}

/** A publish with its wishes about the author's own devices spelled out. Its `data` is stored as the text it came in. */
export interface Outgoing extends BackendPublish {
  exceptConnection?: string;
  receipts?: ('delivered' | 'read')[];
}
