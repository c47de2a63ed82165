/** Calls Trunkline's REST as a back end does. */
export class BenchRestClient {
  constructor(
    private readonly url: string,
    private readonly apiKey: string,
  ) {}

  /**
   * Publishes one message, or a batch.
   * @throws Error if any message was refused
   */
  async publish(body: RestMessage | { readonly messages: readonly RestMessage[] }): Promise<void> {
    const response = await fetch(`${this.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.apiKey}` },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { ok: boolean; results?: readonly { ok: boolean }[] };
    const isStored = answer.ok && (answer.results ?? []).every(({ ok }) => ok);
    if (!isStored) throw new Error(`POST /v1/messages: ${response.status} ${JSON.stringify(answer).slice(0, 300)}`);
  }
}

export interface RestMessage {
  readonly channel: string;
  readonly type: string;
  readonly data: unknown;
}
