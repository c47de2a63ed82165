import { findMember, JsonText, startsOfItems } from '#protocol';

interface Answer {
  message?: { data: unknown };
  messages?: { data: unknown }[];
}

/**
 * Parses an answer of the server and keeps the `data` of messages as the text that came. The result is undefined if the
 * answer is not JSON.
 */
export function parseAnswer(json: string): unknown {
  const answer = parseJson(json) as Answer | null | undefined;
  if (typeof answer !== 'object' || answer === null) return answer;
  const one = answer.message && findMember(json, 0, 'message');
  if (answer.message && one) keepText(answer.message, json, one[0]);
  const list = answer.messages && findMember(json, 0, 'messages');
  if (list) startsOfItems(json, list[0]).forEach((at, index) => keepText(answer.messages?.[index], json, at));
  return answer;
}

function keepText(message: { data: unknown } | undefined, json: string, at: number): void {
  const place = findMember(json, at, 'data');
  if (message && place) message.data = new JsonText(json.slice(...place));
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
