let taken: string[] | undefined;
/** Nobody outside can know it, so no string of a user can pass for a place. */
const NONCE = crypto.randomUUID();
const PLACE = new RegExp(`"${NONCE}:(\\d+)"`, 'g');

/**
 * JSON that goes out as it is stored, as the `data` of a message in an answer. {@link toJson} puts its text where it
 * stands; JSON.stringify, which knows of no text, writes the value that JavaScript makes of it.
 */
export class JsonText {
  constructor(readonly text: string) {}

  toJSON(): unknown {
    if (!taken) return JSON.parse(this.text);
    taken.push(this.text);
    return `${NONCE}:${taken.length - 1}`;
  }
}

/** As JSON.stringify, with the texts of {@link JsonText} in their places. */
export function toJson(value: unknown): string {
  const texts: string[] = (taken = []);
  try {
    const json = JSON.stringify(value);
    return texts.length === 0 ? json : json.replace(PLACE, (_, place: string) => texts[Number(place)] ?? '');
  } finally {
    taken = undefined;
  }
}
