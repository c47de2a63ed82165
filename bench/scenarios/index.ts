import { userToUser } from './a-user-to-user.js';
import { latency } from './b-latency.js';
import { fanOut } from './c-fan-out.js';
import type { Scenario } from './scenario.js';

export const SCENARIOS: readonly Scenario[] = [userToUser, latency, fanOut];
