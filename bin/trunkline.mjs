#!/usr/bin/env node
// `npx trunkline …`: in a clone it builds first what has changed, elsewhere there is only the built program.
import { existsSync } from 'node:fs';

const build = new URL('../tools/build.mjs', import.meta.url);
if (existsSync(build)) await import(build.href);
await import('../dist/apps/cli/main.js');
