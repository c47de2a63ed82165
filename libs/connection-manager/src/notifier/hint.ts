/** A hint tells an instance to look at these channels, or at something that there is only one of. */
export type Hint =
  | { readonly kind: 'channels'; readonly channels: readonly string[] }
  | { readonly kind: 'sessions-ended' | 'commands' | 'peer-joined' };

export interface AddressedHint {
  /** The id of the instance to tell. */
  readonly to: string;
  readonly hint: Hint;
}

/** Addresses a hint to several instances. */
export const addressTo = (instances: readonly string[], hint: Hint): AddressedHint[] =>
  instances.map((to) => ({ to, hint }));

/** Channel names never look like these, because they have a colon or are `broadcast`. */
const SIGNS = { 'sessions-ended': '-', commands: '>', 'peer-joined': '!' } as const;
const KINDS = new Map(Object.entries(SIGNS).map(([kind, sign]) => [sign, kind as keyof typeof SIGNS]));

/** Stands between two channels; no name holds it. */
export const CHANNEL_SEPARATOR = '\n';

/**
 * A payload takes another channel as long as it has fewer bytes than this. The longest name, a watched inbox, has 614
 * characters, all ASCII; so every payload stays under the 8,000 bytes of a NOTIFY.
 */
export const PAYLOAD_BYTES = 7_300;

/** Writes a hint as the payloads that carry it: several if it names many channels, none if it names no channel. */
export function encodeHint(hint: Hint): string[] {
  if (hint.kind !== 'channels') return [SIGNS[hint.kind]];
  const payloads: string[] = [];
  let last = '';
  for (const channel of hint.channels) {
    if (last.length >= PAYLOAD_BYTES) {
      payloads.push(last);
      last = '';
    }
    last = last === '' ? channel : last + CHANNEL_SEPARATOR + channel;
  }
  return last === '' ? payloads : [...payloads, last];
}

/** Reads a payload. Garbage becomes a hint about channels that nobody reads; an empty payload means nothing. */
export function decodeHint(payload: string): Hint | undefined {
  if (payload === '') return undefined;
  const kind = KINDS.get(payload as '-');
  return kind ? { kind } : { kind: 'channels', channels: payload.split(CHANNEL_SEPARATOR) };
}
