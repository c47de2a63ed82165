import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve('.');
const PROGRAM = resolve('dist/tools/check-deploy.js');
/** What the tests break; all else is looked at where it is. */
const COPIED = ['Dockerfile', '.dockerignore', 'docker-compose.yml', 'deploy'];
const HELM = 'deploy/helm/trunkline';
const DEPLOYMENT = 'deploy/kubernetes/deployment.yaml';

type Break = [what: string, file: string, from: string | RegExp, to: string, fault: string];

/** Each breaks one thing, and the check has to say which. */
const BREAKS: Break[] = [
  ['a Dockerfile that is none', 'Dockerfile', 'WORKDIR /app', 'WRKDIR /app', 'Unknown instruction: WRKDIR'],
  ['an unknown flag', 'Dockerfile', '--interval=10s', '--intervall=10s', 'Unknown flag: intervall'],
  ['a base that moves', 'Dockerfile', /node:24\.22-slim/g, 'node:24', 'not pinned to major.minor'],
  ['root', 'Dockerfile', 'USER 10001:10001', 'USER root', 'no number other than root'],
  ['a shell before node', 'Dockerfile', 'ENTRYPOINT ["node", "--enable-source-maps"]', 'ENTRYPOINT node', 'exec form'],
  ['a file that is not there', 'Dockerfile', 'COPY .swcrc', 'COPY .swrc', 'there is no .swrc to copy'],
  ['a file outside of the context', '.dockerignore', '!migrations\n', '', '.dockerignore leaves migrations out'],
  ['a stage that is not there', 'Dockerfile', '--from=build', '--from=bild', 'there is no stage bild'],
  ['a variable of nobody', 'Dockerfile', 'process.env.PORT', 'process.env.PROT', 'PROT is no setting'],
  ['a program that nobody builds', 'Dockerfile', 'server/main.js', 'server/man.js', 'makes dist/apps/server/man.js'],
  ['another environment', 'Dockerfile', 'NODE_ENV=production', 'NODE_ENV=test', 'does not run as production'],

  ['YAML that is none', 'docker-compose.yml', 'services:', 'services: [', 'docker-compose.yml:'],
  ['a key twice', 'docker-compose.yml', 'shm_size: 256mb', 'image: postgres:17', 'must be unique'],
  ['an unknown field', 'docker-compose.yml', 'read_only: true', 'readonly: true', '"additionalProperty":"readonly"'],
  ['a wrong setting', 'docker-compose.yml', 'TRUST_PROXY:', 'TRUST_PROXIES:', 'TRUST_PROXIES is no setting'],
  ['a wrong value', 'docker-compose.yml', "DRAIN_TIMEOUT_MS: '25000'", "DRAIN_TIMEOUT_MS: '25s'", '600000'],
  [
    'a variable unknown to an image',
    'docker-compose.yml',
    'POSTGRES_DB:',
    'POSTGRES_DATABASE:',
    'not known of the image',
  ],
  ['a secret with a default', 'docker-compose.yml', '${JWT_SECRET:?', '${JWT_SECRET:-', 'value that everybody knows'],
  [
    'a file that is not mounted',
    'docker-compose.yml',
    './deploy/nginx.conf',
    './deploy/ngnix.conf',
    'ngnix.conf to mount',
  ],
  ['a dependency on nobody', 'docker-compose.yml', 'depends_on: [prometheus]', 'depends_on: [promtheus]', 'not there'],
  ['a kill while it drains', 'docker-compose.yml', 'stop_grace_period: 35s', 'stop_grace_period: 20s', 'it drains'],
  ['a port for everybody', 'docker-compose.yml', "'127.0.0.1:8080:3000'", "'8080:3000'", 'open to other machines'],
  ['an instance that nginx misses', 'deploy/nginx/instances.conf', '172.31.250.13', '172.31.250.14', 'sends to'],
  [
    'stickiness',
    'deploy/nginx/instances.conf',
    'upstream trunkline {',
    'upstream trunkline {\n  ip_hash;',
    'is sticky',
  ],
  ['a port that nobody publishes', 'deploy/nginx/listen.conf', '3000', '3001', 'which nobody publishes'],

  ['an unknown field in a manifest', DEPLOYMENT, 'minReadySeconds', 'minReadySecond', 'no field /spec/minReadySecond'],
  ['a field of the wrong type', DEPLOYMENT, 'maxSurge: 1', 'maxSurge: [1]', 'maxSurge'],
  ['an unknown kind', DEPLOYMENT, 'apiVersion: apps/v1', 'apiVersion: apps/v3', 'no Deployment in apps/v3'],
  [
    'a selector of other pods',
    DEPLOYMENT,
    /matchLabels: \{ app.kubernetes.io\/name: trunkline,/,
    'matchLabels: { x: y,',
    'select',
  ],
  ['a port without a name', DEPLOYMENT, 'name: http, containerPort', 'name: web, containerPort', 'no port http'],
  [
    'a drain cut short',
    DEPLOYMENT,
    'terminationGracePeriodSeconds: 40',
    'terminationGracePeriodSeconds: 30',
    'killed after 30 s',
  ],
  [
    'a writable root',
    DEPLOYMENT,
    'readOnlyRootFilesystem: true',
    'readOnlyRootFilesystem: false',
    'readOnlyRootFilesystem',
  ],
  ['a probe too few', DEPLOYMENT, / *livenessProbe:\n.*\n.*\n.*\n.*\n/, '', 'lacks one of the three probes'],
  [
    'replicas beside an autoscaler',
    DEPLOYMENT,
    'spec:\n  strategy',
    'spec:\n  replicas: 3\n  strategy',
    'beside an autoscaler',
  ],
  ['a secret by another name', DEPLOYMENT, 'secretRef: { name: trunkline }', 'secretRef: { name: x }', 'no Secret x'],
  ['a wrong setting in a ConfigMap', 'deploy/kubernetes/configmap.yaml', 'TRUST_PROXY', 'TRUST', 'TRUST is no setting'],
  [
    'a service of nobody',
    'deploy/kubernetes/service.yaml',
    'selector: { app.kubernetes.io/name: trunkline,',
    'selector: { x: y,',
    'selects no pod',
  ],
  [
    'a backend of nobody',
    'deploy/kubernetes/ingress.yaml',
    'service: { name: trunkline,',
    'service: { name: x,',
    'no Service x',
  ],
  ['a sticky ingress', 'deploy/kubernetes/ingress.yaml', 'proxy-body-size', 'affinity', 'makes it sticky'],
  [
    'an autoscaler of nobody',
    'deploy/kubernetes/autoscaler.yaml',
    'kind: Deployment, name: trunkline',
    'kind: Deployment, name: x',
    'no Deployment x',
  ],
  [
    'a manifest that nobody applies',
    'deploy/kubernetes/kustomization.yaml',
    '  - ingress.yaml\n',
    '',
    'not among the resources',
  ],
  ['another version', 'deploy/kubernetes/kustomization.yaml', 'newTag: 0.1.0', 'newTag: 0.0.9', 'package.json says'],

  [
    'values that break their schema',
    `${HELM}/values.yaml`,
    'minReplicas: 3',
    'minReplicas: three',
    '/autoscaling/minReplicas',
  ],
  [
    'a value that is not there',
    `${HELM}/templates/service.yaml`,
    '.Values.service.port',
    '.Values.service.prot',
    'prot',
  ],
  ['a template that does not parse', `${HELM}/templates/service.yaml`, '{{- end }}', '{{- edn }}', 'service.yaml'],
  [
    'a function that Go does not have',
    `${HELM}/templates/service.yaml`,
    '{{ .Release.Name }}',
    '{{ shout .Release.Name }}',
    'shout',
  ],
  ['a chart unlike the manifests', `${HELM}/values.yaml`, "cpu: '1'", "cpu: '2'", 'in the chart'],
  [
    'a fault behind a switch',
    `${HELM}/templates/network-policy.yaml`,
    'policyTypes',
    'policies',
    'no field /spec/policies',
  ],
  [
    'a name that a release changes',
    `${HELM}/templates/ingress.yaml`,
    'service: { name: {{ .Release.Name }}',
    'service: { name: trunkline',
    'no Service trunkline',
  ],
];

const ALL = BREAKS.map(([what, file, from, to, fault], n) => ({ what, file, from, to, fault, place: String(n) }));
const WHOLE = 'whole';

describe('npm run check -- deploy', () => {
  let copies: string;
  let faults: string[];

  // One run for all: most of the time goes into loading the schemas.
  beforeAll(async () => {
    copies = await mkdtemp(join(tmpdir(), 'trunkline-deploy-'));
    await copyTo(join(copies, WHOLE));
    for (const { file, from, to, place } of ALL) {
      await copyTo(join(copies, place));
      const path = join(copies, place, file);
      const text = await readFile(path, 'utf8');
      const broken = text.replace(from, to);
      if (broken === text) throw new Error(`${file} holds nothing like ${String(from)}`);
      await writeFile(path, broken);
    }
    const directories = [WHOLE, ...ALL.map(({ place }) => place)].map((place) => join(copies, place));
    const { stderr, status } = spawnSync(process.execPath, [PROGRAM, ...directories], { encoding: 'utf8' });
    expect(status).toBe(1);
    faults = stderr.split('\n');
  });

  afterAll(() => rm(copies, { recursive: true, force: true }));

  const faultsOf = (place: string): string[] => {
    const start = `${join(copies, place)}: `;
    return faults.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
  };

  it('finds nothing in what is there', () => {
    expect(faultsOf(WHOLE)).toEqual([]);
  });

  it.each(ALL)('finds $what', ({ place, fault }) => {
    expect(faultsOf(place).join('\n')).toContain(fault);
  });
});

async function copyTo(directory: string): Promise<void> {
  await mkdir(directory);
  for (const name of COPIED) await cp(join(ROOT, name), join(directory, name), { recursive: true });
  const linked = (await readdir(ROOT)).filter((name) => !COPIED.includes(name) && name !== 'node_modules');
  for (const name of linked) await symlink(join(ROOT, name), join(directory, name));
}
