let taken: string[] | undefined;
/** Nobody outside knows this value, so no string of a user can be mistaken for a placeholder. */
const NONCE = crypto.randomUUID();
const PLACE = new RegExp(`"${NONCE}:(\\d+)"`, 'g');

/**
 * JSON that is sent exactly as it is stored, such as the `data` of a message in an answer. {@link toJson} writes its
 * text unchanged; plain JSON.stringify writes the value that JavaScript makes of the text.
 */
export class JsonText {
  constructor(readonly text: string) {}

  toJSON(): unknown {
    if (!taken) return JSON.parse(this.text);
    taken.push(this.text);
    return `${NONCE}:${taken.length - 1}`;
  }
}

/** Works as JSON.stringify does, except that the text of each {@link JsonText} is written unchanged. */
export function toJson(value: unknown): string {
  const texts: string[] = (taken = []);
  try {
    const json = JSON.stringify(value);
    return texts.length === 0 ? json : json.replace(PLACE, (_, place: string) => texts[Number(place)] ?? '');
  } finally {
    taken = undefined;
  }
}
