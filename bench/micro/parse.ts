import { parse, REQUESTS } from '#protocol';
import { makeBody } from '../load/body.js';
import { timesPerSecond, type Micro } from './micro.js';

/** Measures the validation of the two requests that come in thousands. */
export async function parseMicro(): Promise<Micro> {
  const publish = { channel: 'user:42', type: 'chat', data: makeBody(1, 1, 0), publishId: 'a4c1f0de' };
  const ack = { 'user:42': 1_000, 'group:staff': 17 };
  return {
    name: 'protocol parse',
    unit: 'requests/s',
    contestants: {
      publish: (seconds) => timesPerSecond(seconds, () => void parse(REQUESTS.publish.payload, publish)),
      ack: (seconds) => timesPerSecond(seconds, () => void parse(REQUESTS.ack.payload, ack)),
    },
    close: async () => undefined,
  };
}
