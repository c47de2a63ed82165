import { userToUser } from './a-user-to-user.js';
import type { Scenario } from './scenario.js';

export const SCENARIOS: readonly Scenario[] = [userToUser];
