import { userToUser } from './a-user-to-user.js';
import { latency } from './b-latency.js';
import { fanOut } from './c-fan-out.js';
import { connections } from './d-connections.js';
import { reconnectStorm } from './e-reconnect-storm.js';
import { storedMessages } from './f-stored-messages.js';
import { restPublish } from './g-rest-publish.js';
import { growth } from './h-growth.js';
import type { Scenario } from './scenario.js';

export const SCENARIOS: readonly Scenario[] = [
  userToUser,
  latency,
  fanOut,
  connections,
  reconnectStorm,
  storedMessages,
  restPublish,
  growth,
];
