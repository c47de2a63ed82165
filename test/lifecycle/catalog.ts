import type { LifecycleScenario } from './lifecycle-scenario.js';
import { IDLE } from './scenarios/idle.js';
import { KILL } from './scenarios/kill.js';
import { PROBES } from './scenarios/probes.js';
import { RETENTION } from './scenarios/retention.js';
import { ROLLING } from './scenarios/rolling.js';
import { STOP } from './scenarios/stop.js';
import { STORM } from './scenarios/storm.js';
import { WARP } from './scenarios/warp.js';

export const LIFECYCLE_SCENARIOS: readonly LifecycleScenario[] = [
  ROLLING,
  KILL,
  STOP,
  STORM,
  IDLE,
  RETENTION,
  WARP,
  PROBES,
];
