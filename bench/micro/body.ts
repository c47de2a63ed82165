import { bodyIn, DEFAULT_BODY_LIMITS, encodeBody, startOfSecondItem } from '#protocol';
import { makeBody } from '../load/body.js';
import { timesPerSecond, type Micro } from './micro.js';

/**
 * Measures the way from a parsed `publish` to the text that is stored: taken out of its frame, or encoded anew from the
 * value.
 */
export async function bodyMicro(): Promise<Micro> {
  const data = { ...makeBody(1, 1, 0), items: [1, 2.5, true, null], note: 'x'.repeat(200) };
  const json = JSON.stringify(['publish', { channel: 'user:42', type: 'chat', data, publishId: 'a4c1f0de' }]);
  const take = (): string => bodyIn(json, startOfSecondItem(json, 0), DEFAULT_BODY_LIMITS);
  return {
    name: 'publish body',
    unit: 'bodies/s',
    isContest: true,
    contestants: {
      'text as it came': (seconds) => timesPerSecond(seconds, () => void take()),
      'encoded anew': (seconds) => timesPerSecond(seconds, () => void encodeBody(data, DEFAULT_BODY_LIMITS)),
    },
    close: async () => undefined,
  };
}
