import { isDeepStrictEqual } from 'node:util';
import { HelmChart, type Values } from './chart.js';
import { nameOf, schemaFaults, type KubernetesObject } from './kubernetes-object.js';
import { Manifests } from './manifests.js';
import { ObjectSet } from './object-set.js';
import type { Tree } from './tree.js';

/** The annotation that changes with the settings, so that the pods are replaced. */
const SETTINGS = 'trunkline/settings';

interface Rendering {
  readonly release: string;
  /** The Secret that the pods of this rendering should take. */
  readonly secret: string;
  readonly values: Values;
}

/** Turns every branch of every template on. The templates could not have these names by chance. */
const ALL_ON: Rendering = {
  release: 'blue',
  secret: 'vault',
  values: {
    existingSecret: 'vault',
    image: { repository: 'registry.example.com/trunkline', tag: 'v1', pullPolicy: 'Always', pullSecrets: ['a', 'b'] },
    networkPolicy: { enabled: true, databasePort: 6432 },
    nodeSelector: { 'kubernetes.io/arch': 'arm64' },
    service: { type: 'LoadBalancer', port: 8080 },
    autoscaling: { enabled: false, minReplicas: 1, maxReplicas: 2, connectionsPerPod: 1 },
  },
};
const ALL_OFF: Rendering = {
  release: 'small',
  secret: 'small',
  values: {
    podAnnotations: {},
    ingress: { enabled: false, className: 'nginx', host: 'x', tlsSecret: '', annotations: {} },
    disruptionBudget: { enabled: false, maxUnavailable: 1 },
    migration: { enabled: false },
  },
};

export async function kubernetesFaults(tree: Tree): Promise<string[]> {
  const manifests = new Manifests(tree);
  const chart = new HelmChart(tree);
  const objects = manifests.objects();
  const name = objects[0]?.metadata.name ?? '';
  const faults = [
    ...manifests.faults(),
    ...(await setFaults('deploy/kubernetes', objects, manifests.exampleSecret()[0]?.metadata.name ?? '')),
    ...(await Promise.all(manifests.exampleSecret().map(schemaFaults))).flat(),
    ...chart.valuesFaults(chart.defaults),
    ...versionFaults(tree, chart, manifests),
    ...differences(objects, await chart.objects(chart.defaults, name)),
  ];
  for (const { release, secret, values } of [ALL_ON, ALL_OFF]) {
    const given = { ...chart.defaults, ...values };
    faults.push(
      ...chart.valuesFaults(given),
      ...(await setFaults(`chart as ${release}`, await chart.objects(given, release), secret)),
    );
  }
  return faults;
}

async function setFaults(place: string, objects: readonly KubernetesObject[], secret: string): Promise<string[]> {
  const faults = (await Promise.all(objects.map(schemaFaults))).flat();
  // An object that does not fit its schema cannot be asked whether it fits the others.
  const all = faults.length > 0 ? faults : new ObjectSet(objects, secret).faults();
  return all.map((fault) => `${place}: ${fault}`);
}

function versionFaults(tree: Tree, chart: HelmChart, { kustomization }: Manifests): string[] {
  const { version } = tree.json('package.json') as { version: string };
  const named = {
    'version of Chart.yaml': chart.about.version,
    'appVersion of Chart.yaml': chart.about.appVersion,
    'newTag of kustomization.yaml': kustomization.images[0]?.newTag,
  };
  return Object.entries(named)
    .filter(([, given]) => given !== version)
    .map(([what, given]) => `${what} is ${given}, package.json says ${version}`);
}

/** Compares the chart with default values with the manifests: they must hold the same, except what only Helm needs. */
function differences(manifests: readonly KubernetesObject[], rendered: readonly KubernetesObject[]): string[] {
  const byName = new Map(rendered.map((object) => [nameOf(object), withoutHelm(object)]));
  const missing = manifests.filter((object) => !byName.has(nameOf(object)));
  const known = new Set(manifests.map(nameOf));
  const surplus = rendered.filter((object) => !known.has(nameOf(object)));
  const changed = manifests.flatMap((object) => {
    const other = byName.get(nameOf(object));
    return other ? firstDifference(nameOf(object), object, other) : [];
  });
  return [
    ...missing.map((object) => `chart: makes no ${nameOf(object)}`),
    ...surplus.map((object) => `deploy/kubernetes: has no ${nameOf(object)}`),
    ...changed,
  ];
}

function withoutHelm(object: KubernetesObject): KubernetesObject {
  const copy = structuredClone(object);
  const { annotations } = copy.metadata;
  for (const name of Object.keys(annotations ?? {})) if (name.startsWith('helm.sh/')) delete annotations?.[name];
  if (annotations && Object.keys(annotations).length === 0) delete copy.metadata.annotations;
  if (copy.kind === 'Deployment') delete (copy as unknown as WithPods).spec.template.metadata.annotations?.[SETTINGS];
  return copy;
}

interface WithPods {
  spec: { template: { metadata: { annotations?: Record<string, string> } } };
}

/** Finds the first difference, whose path says where to look. */
function firstDifference(path: string, ours: unknown, charts: unknown): string[] {
  if (isDeepStrictEqual(ours, charts)) return [];
  if (typeof ours === 'object' && typeof charts === 'object' && ours !== null && charts !== null) {
    const keys = new Set([...Object.keys(ours), ...Object.keys(charts)]);
    for (const key of keys) {
      const found = firstDifference(
        `${path}/${key}`,
        (ours as Record<string, unknown>)[key],
        (charts as Record<string, unknown>)[key],
      );
      if (found.length > 0) return found;
    }
  }
  return [`${path}: ${JSON.stringify(ours)} in deploy/kubernetes, ${JSON.stringify(charts)} in the chart`];
}
