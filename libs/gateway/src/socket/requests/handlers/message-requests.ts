import { Injectable } from '@nestjs/common';
import { Delivery, type Outgoing } from '#delivery';
import { ifTaken, SharedLimits } from '#limits';
import { startOfSecondItem, type RequestPayload, type RequestResult } from '#protocol';
import type { HandlersOf } from '../request-handler.js';
import { aboutChannel, RIGHTS } from '../request-order.js';
import type { Requester } from '../requester.js';

type PublishPayload = RequestPayload<'publish'>;

const TOO_MANY_PUBLISHES = 'the user publishes too fast';

/** The requests that publish a message, now or later, and take it back. */
@Injectable()
export class MessageRequests {
  readonly handlers: HandlersOf<'publish' | 'schedule' | 'cancel'> = {
    publish: {
      right: 'publish',
      order: aboutChannel,
      isDoneOnceBegun: true,
      handle: (requester, request, json) => {
        const taken = this.sharedLimits.publishes.take(requester.user);
        if (taken === 0) return this.append(requester, request, json);
        return ifTaken(taken, TOO_MANY_PUBLISHES, () => this.append(requester, request, json));
      },
    },
    schedule: {
      right: 'publish',
      order: aboutChannel,
      isDoneOnceBegun: true,
      takesTurn: true,
      handle: (requester, { sendAt, ...request }, json) =>
        ifTaken(this.sharedLimits.publishes.take(requester.user), TOO_MANY_PUBLISHES, () => {
          const outgoing = { ...toOutgoing(requester, request), sendAt };
          return this.delivery.publisher.schedule(outgoing, json, placeOf(json), requester.author);
        }),
    },
    cancel: {
      order: () => ({ waits: [RIGHTS], holds: [] }),
      isDoneOnceBegun: true,
      takesTurn: true,
      handle: ({ author }, { id }) => this.delivery.publisher.cancel(id, author),
    },
  };

  constructor(
    private readonly delivery: Delivery,
    private readonly sharedLimits: SharedLimits,
  ) {}

  private append(
    requester: Requester,
    request: PublishPayload,
    json: string | undefined,
  ): Promise<RequestResult<'publish'>> {
    const outgoing = toOutgoing(requester, request);
    return this.delivery.publisher.publish(outgoing, json, placeOf(json), requester.author);
  }
}

/** Replaces exceptSelf, exceptDevice and exceptConnection by the user, device and connection that publishes. */
function toOutgoing({ connection }: Requester, request: PublishPayload): Outgoing {
  // Most requests are plain, and a copy is a good part of what a publish costs here.
  if (isPlain(request)) return request;
  const { exceptSelf, exceptDevice, exceptConnection, receipts, ...outgoing } = request;
  const { user, deviceId, connectionId } = connection.key;
  return {
    ...outgoing,
    ...(exceptSelf === true ? { exceptUser: user } : {}),
    ...(exceptDevice === true ? { exceptDevice: { user, deviceId } } : {}),
    ...(exceptConnection === true ? { exceptConnection: connectionId } : {}),
    ...(receipts === undefined ? {} : { receipts }),
  };
}

/** True if the request says nothing about the author's own devices and connections. */
function isPlain(request: PublishPayload): request is PublishPayload & Outgoing {
  const { exceptSelf, exceptDevice, exceptConnection } = request;
  return exceptSelf === undefined && exceptDevice === undefined && exceptConnection === undefined;
}

/** Returns where the payload begins in the text of the request. It is the second item of the event, after its name. */
function placeOf(json: string | undefined): number {
  return json === undefined ? 0 : startOfSecondItem(json, 0);
}
