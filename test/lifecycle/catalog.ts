import type { LifecycleScenario } from './show.js';
import { IDLE } from './shows/idle.js';
import { KILL } from './shows/kill.js';
import { PROBES } from './shows/probes.js';
import { RETENTION } from './shows/retention.js';
import { ROLLING } from './shows/rolling.js';
import { STOP } from './shows/stop.js';
import { STORM } from './shows/storm.js';
import { WARP } from './shows/warp.js';

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
