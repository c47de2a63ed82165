// Checks the sources as far as that is possible without running the tests, fast checks first; stops at the first fault.
//
//   npm run check                   runs all steps
//   npm run check -- types lint     runs only these
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const bin = (name) => `node_modules/.bin/${name}`;
const { execPath: node } = process;

const STEPS = {
  lock: [node, 'tools/complete-lock.mjs', '--check'],
  'doc-paths': [node, 'tools/doc-paths.mjs'],
  format: [bin('prettier'), '--check', '--log-level=warn', '.'],
  'dead-code': [bin('knip'), '--no-progress'],
  imports: [bin('depcruise'), 'apps', 'examples', 'libs', 'migrations', 'bench', 'test', 'tools'],
  types: [bin('tsc'), '--noEmit'],
  lint: [bin('eslint'), '--max-warnings=0', '.'],
  build: [node, 'tools/build.mjs'],
  // Check that the two dumps in the repository agree with the migrations and the schemas of libs/protocol.
  'schema-drift': [node, '--enable-source-maps', 'dist/tools/schema-dump.js', '--check'],
  'docs-drift': [node, '--enable-source-maps', 'dist/tools/protocol-doc.js', '--check'],
  deploy: [node, '--enable-source-maps', 'dist/tools/check-deploy.js'],
};

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(STEPS);
for (const name of names) runStep(name);

function runStep(name) {
  if (!Object.hasOwn(STEPS, name)) fail(`no step ${name}; there are ${Object.keys(STEPS).join(', ')}`);
  const [command, ...args] = STEPS[name];
  const startedAt = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: Infinity });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(5);
  if (status !== 0) fail(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}\nFAILED  ${seconds} s  ${name}`);
  console.log(`ok  ${seconds} s  ${name}`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
