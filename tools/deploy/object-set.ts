import { z } from 'zod';
import { nameOf, type KubernetesObject } from './kubernetes-object.js';
import { drainTimeoutMs, settingsFaults } from './settings.js';
import { isWorkload, podOf, type Pod } from './workload.js';

const texts = z.record(z.string(), z.string());
const Config = z.looseObject({ data: texts });
const Service = z.looseObject({
  spec: z.looseObject({
    selector: texts,
    sessionAffinity: z.literal('None').optional(),
    ports: z.array(
      z.looseObject({ name: z.string(), port: z.number(), targetPort: z.union([z.string(), z.number()]) }),
    ),
  }),
});
const Selecting = z.looseObject({ spec: z.looseObject({ selector: z.looseObject({ matchLabels: texts }) }) });
const Scaler = z.looseObject({
  spec: z.looseObject({ scaleTargetRef: z.looseObject({ kind: z.string(), name: z.string() }) }),
});
const Ingress = z.looseObject({
  spec: z.looseObject({
    rules: z.array(
      z.looseObject({
        http: z.looseObject({
          paths: z.array(
            z.looseObject({
              backend: z.looseObject({
                service: z.looseObject({ name: z.string(), port: z.looseObject({ name: z.string() }) }),
              }),
            }),
          ),
        }),
      }),
    ),
  }),
});
const STICKY = /affinity|session-cookie|upstream-hash-by/;

/**
 * Checks that objects which are applied together fit together, because every schema accepts names that lead nowhere.
 */
export class ObjectSet {
  private readonly deployments: readonly { object: KubernetesObject; pod: Pod }[];

  constructor(
    private readonly objects: readonly KubernetesObject[],
    /** The name of the Secret that the operator makes. */
    private readonly secretName: string,
  ) {
    this.deployments = this.of('Deployment').map((object) => ({ object, pod: podOf(object) }));
  }

  faults(): string[] {
    return [
      ...this.objects.filter(isWorkload).flatMap((object) => this.workloadFaults(object)),
      ...this.of('ConfigMap').flatMap((object) => settingsFaults(nameOf(object), Config.parse(object).data)),
      ...this.of('Service').flatMap((object) => this.serviceFaults(object)),
      ...this.of('Ingress').flatMap((object) => this.ingressFaults(object)),
      ...this.of('PodDisruptionBudget').flatMap((object) =>
        this.selectionFaults(object, Selecting.parse(object).spec.selector.matchLabels),
      ),
      ...this.of('HorizontalPodAutoscaler').flatMap((object) => this.scalerFaults(object)),
    ];
  }

  private of(kind: string): KubernetesObject[] {
    return this.objects.filter((object) => object.kind === kind);
  }

  private workloadFaults(object: KubernetesObject): string[] {
    const { labels, selector, container, graceSeconds, annotations } = podOf(object);
    const faults = container.envFrom.flatMap(({ configMapRef, secretRef }) => [
      ...(configMapRef && !this.of('ConfigMap').some(({ metadata }) => metadata.name === configMapRef.name)
        ? [`there is no ConfigMap ${configMapRef.name}`]
        : []),
      ...(secretRef && secretRef.name !== this.secretName ? [`there is no Secret ${secretRef.name}`] : []),
    ]);
    if (selector && !isWithin(selector, labels)) faults.push('its selector does not select its own pods');
    faults.push(...settingsFaults('env', Object.fromEntries(container.env.map(({ name }) => [name, '']))));
    const ports = new Set(container.ports.flatMap(({ name, containerPort }) => [name, String(containerPort)]));
    const asked = [container.startupProbe, container.readinessProbe, container.livenessProbe].flatMap((probe) =>
      probe ? [String(probe.httpGet.port)] : [],
    );
    const scraped = annotations['prometheus.io/port'];
    for (const port of [...asked, ...(scraped === undefined ? [] : [scraped])]) {
      if (!ports.has(port)) faults.push(`it has no port ${port}`);
    }
    if (object.kind === 'Deployment') {
      if (asked.length < 3) faults.push('it lacks one of the three probes');
      const seconds = Number(container.lifecycle?.preStop.exec.command.at(-1) ?? 0) + this.drainSeconds();
      if (graceSeconds <= seconds)
        faults.push(`it is killed after ${graceSeconds} s, draining takes up to ${seconds} s`);
    }
    return faults.map((fault) => `${nameOf(object)}: ${fault}`);
  }

  private drainSeconds(): number {
    const data = this.of('ConfigMap').map((object) => Config.parse(object).data);
    return drainTimeoutMs(Object.assign({}, ...data) as Record<string, string>) / 1_000;
  }

  private serviceFaults(object: KubernetesObject): string[] {
    const { selector, ports } = Service.parse(object).spec;
    const known = this.deployments.flatMap(({ pod }) => pod.container.ports.map(({ name }) => name));
    return [
      ...this.selectionFaults(object, selector),
      ...ports
        .filter(({ targetPort }) => !known.includes(String(targetPort)))
        .map(({ targetPort }) => `${nameOf(object)}: no pod has a port ${targetPort}`),
    ];
  }

  private ingressFaults(object: KubernetesObject): string[] {
    const sticky = Object.keys(object.metadata.annotations ?? {}).filter((name) => STICKY.test(name));
    const backends = Ingress.parse(object).spec.rules.flatMap(({ http }) => http.paths.map(({ backend }) => backend));
    const services = this.of('Service').map((each) => ({ name: each.metadata.name, ...Service.parse(each).spec }));
    const lost = backends.filter(
      ({ service }) =>
        !services.some(
          ({ name, ports }) => name === service.name && ports.some((port) => port.name === service.port.name),
        ),
    );
    return [
      ...sticky.map((name) => `${nameOf(object)}: ${name} makes it sticky`),
      ...lost.map(
        ({ service }) => `${nameOf(object)}: there is no Service ${service.name} with port ${service.port.name}`,
      ),
    ];
  }

  private scalerFaults(object: KubernetesObject): string[] {
    const { kind, name } = Scaler.parse(object).spec.scaleTargetRef;
    const target = this.of(kind).find(({ metadata }) => metadata.name === name);
    if (!target) return [`${nameOf(object)}: there is no ${kind} ${name}`];
    // Each `kubectl apply` would undo what the autoscaler did.
    const isFixed = (target['spec'] as { replicas?: number }).replicas !== undefined;
    return isFixed ? [`${nameOf(target)}: names its replicas beside an autoscaler`] : [];
  }

  private selectionFaults(object: KubernetesObject, selector: Readonly<Record<string, string>>): string[] {
    const isSelecting = this.deployments.some(({ pod }) => isWithin(selector, pod.labels));
    return isSelecting ? [] : [`${nameOf(object)}: selects no pod of a Deployment`];
  }
}

function isWithin(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
