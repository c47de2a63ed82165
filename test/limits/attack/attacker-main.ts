import { setPriority } from 'node:os';
import { attackNamed } from './catalog.js';
import { Lair, type AttackPlan } from './lair.js';

/*
 * Runs one attacker in a process of its own. A real attacker has a machine of its own. Here it gives way to the server
 * and to the canary when they want the CPU, so that they suffer only from what it sends.
 */
const NICENESS = 10;
setPriority(NICENESS);

const commands = JSON.parse(process.argv[2] ?? '') as AttackPlan;
const lair = new Lair(commands);
await Promise.race([attackNamed(commands.attack).run(lair), lair.over]);
process.stdout.write(`${JSON.stringify(lair.tally.report())}\n`, () => process.exit());
