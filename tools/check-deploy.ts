import { join } from 'node:path';
import { alertFaults } from './deploy/alerts.js';
import { ComposeFile } from './deploy/compose.js';
import { dockerfileFaults } from './deploy/dockerfile.js';
import { kubernetesFaults } from './deploy/kubernetes.js';
import { nginxFaults } from './deploy/nginx.js';
import { programFaults } from './deploy/programs.js';
import { Tree } from './deploy/tree.js';

/*
 * Checks Dockerfile, docker-compose.yml and deploy/ as far as that is possible without a container engine or a cluster:
 * against published schemas, and whether each setting, file, port and program that they name exists. Each fault is
 * reported in one line.
 *
 *   node dist/tools/check-deploy.js [DIRECTORY…]     (checks this repository if none is given)
 */
const PROGRAMS = [
  'Dockerfile',
  'docker-compose.yml',
  'deploy/kubernetes/migration.yaml',
  'deploy/helm/trunkline/templates/migration.yaml',
];
const CHECKS: readonly ((tree: Tree) => string[] | Promise<string[]>)[] = [
  dockerfileFaults,
  (tree) => new ComposeFile(tree).faults(),
  nginxFaults,
  kubernetesFaults,
  (tree) => programFaults(tree, PROGRAMS),
  alertFaults,
];

async function faultsOf(tree: Tree): Promise<string[]> {
  const faults: string[] = [];
  for (const check of CHECKS) {
    try {
      faults.push(...(await check(tree)));
    } catch (error) {
      // The file cannot be read at all.
      faults.push(error instanceof Error ? error.message : String(error));
    }
  }
  return faults;
}

const given = process.argv.slice(2);
const directories = given.length > 0 ? given : [join(import.meta.dirname, '../..')];
let exitCode = 0;
for (const directory of directories) {
  for (const fault of await faultsOf(new Tree(directory))) {
    exitCode = 1;
    process.stderr.write(`${given.length > 0 ? `${directory}: ` : ''}${fault.replace(/\s*\n\s*/g, ' ')}\n`);
  }
}
// The Go runtime that renders the chart would keep the process alive.
process.exit(exitCode);
