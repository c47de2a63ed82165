/** The REST of Trunkline, as a back end uses it. */
export class RestClient {
  constructor(
    private readonly url: string,
    private readonly apiKey: string,
  ) {}

  /** One message, or a batch of them. @throws Error if any of it was refused */
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
