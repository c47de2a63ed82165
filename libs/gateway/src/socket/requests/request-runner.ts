import type { ChannelRight } from '#auth';
import { sessionEnded } from '#connection-manager';
import type { RequestName, RequestPayload, RequestResult } from '#protocol';
import type { RequestHandler } from './request-handler.js';
import type { RequestHandlers } from './request-handlers.js';
import { RequestOrder } from './request-order.js';
import type { Requester } from './requester.js';

/** Runs the requests of one connection: each with the right that it needs, in its order, and in its turn. */
export class RequestRunner {
  /** Undefined until there is a request that others may have to wait for. */
  private order: RequestOrder | undefined;

  constructor(
    private readonly handlers: RequestHandlers,
    readonly requester: Requester,
  ) {}

  /**
   * Runs a request, whose payload was parsed with the schema of this very request.
   * @param json the text that the request came in; undefined if that is not known
   */
  run<N extends RequestName>(name: N, payload: RequestPayload<N>, json: string | undefined): Promise<RequestResult<N>> {
    const handler: RequestHandler<N> = this.handlers.byName[name];
    if (name === 'ack') return handler.handle(this.requester, payload, json);
    if (this.requester.isLoggedOut) throw sessionEnded();
    const isFree = this.order?.isIdle ?? true;
    if (isFree && handler.isDoneOnceBegun === true && this.isAllowed(handler, payload)) {
      return this.handle(handler, payload, json);
    }
    return this.runInOrder(handler, payload, json);
  }

  private async runInOrder<N extends RequestName>(
    handler: RequestHandler<N>,
    payload: RequestPayload<N>,
    json: string | undefined,
  ): Promise<RequestResult<N>> {
    const channel = channelOf(payload);
    const { rights } = this.requester;
    this.order ??= new RequestOrder();
    const begun = await this.order.run(handler.order(channel), async () => {
      if (this.requester.isLoggedOut) throw sessionEnded();
      if (handler.right !== undefined) await rights.assert(handler.right, channel);
      await rights.assertReceipts(payload, channel);
      const answer = this.handle(handler, payload, json);
      // The promise is put into an object, because a bare one would be waited for.
      return { answer: handler.isDoneOnceBegun === true ? answer : await answer };
    });
    return begun.answer;
  }

  private handle<N extends RequestName>(
    handler: RequestHandler<N>,
    payload: RequestPayload<N>,
    json: string | undefined,
  ): Promise<RequestResult<N>> {
    if (handler.takesTurn !== true) return handler.handle(this.requester, payload, json);
    return this.requester.inTurn(() => handler.handle(this.requester, payload, json));
  }

  /** True if the request is allowed as far as is known without asking the database. */
  private isAllowed({ right }: { readonly right?: ChannelRight }, payload: object): boolean {
    const channel = channelOf(payload);
    const { rights } = this.requester;
    return (right === undefined || rights.has(right, channel)) && rights.mayHaveReceipts(payload, channel);
  }
}

function channelOf(payload: object): string {
  return 'channel' in payload ? (payload.channel as string) : '';
}
