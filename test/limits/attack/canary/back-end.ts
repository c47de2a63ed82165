import { request } from 'node:http';
import { API_KEY } from '../../../support/server.js';
import { ATTACKERS_ADDRESS } from '../lair.js';
import type { ExperienceLedger } from './experience-ledger.js';

const ADDRESSES = ['127.0.0.1', ATTACKERS_ADDRESS];
const DEADLINE_MS = 15_000;
const BODY = JSON.stringify({ channel: 'user:of-the-back-end', type: 'note', data: { text: 'hello' } });
const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` };

/** An application that publishes over REST with its key. Every other request comes from the address of the attacker. */
export class BackEnd {
  private count = 0;

  constructor(
    private readonly url: string,
    private readonly ledger: () => ExperienceLedger,
  ) {}

  async publish(): Promise<void> {
    const localAddress = ADDRESSES[++this.count % ADDRESSES.length] ?? '';
    const ledger = this.ledger();
    const status = await this.post(localAddress);
    if (status !== 200) ledger.refuse(`REST from ${localAddress}: ${status}`);
  }

  private post(localAddress: string): Promise<number | string> {
    return new Promise((resolve) => {
      const options = { method: 'POST', headers: HEADERS, localAddress, agent: false, timeout: DEADLINE_MS };
      const asked = request(`${this.url}/v1/messages`, options, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      asked.on('timeout', () => asked.destroy(new Error('no answer')));
      asked.on('error', (error) => resolve(error.message));
      asked.end(BODY);
    });
  }
}
