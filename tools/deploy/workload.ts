import { z } from 'zod';
import type { KubernetesObject } from './kubernetes-object.js';

const texts = z.record(z.string(), z.string());
const reference = z.looseObject({ name: z.string() });
const probe = z.looseObject({ httpGet: z.looseObject({ path: z.string(), port: z.union([z.string(), z.number()]) }) });

const Container = z.looseObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()).default([]),
  env: z.array(z.looseObject({ name: z.string() })).default([]),
  envFrom: z.array(z.looseObject({ configMapRef: reference.optional(), secretRef: reference.optional() })).default([]),
  ports: z.array(z.looseObject({ name: z.string(), containerPort: z.number() })).default([]),
  startupProbe: probe.optional(),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  lifecycle: z
    .looseObject({ preStop: z.looseObject({ exec: z.looseObject({ command: z.array(z.string()) }) }) })
    .optional(),
  securityContext: z.looseObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.looseObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
});

/**
 * A Deployment or Job of ours. It must meet what Kubernetes calls `restricted`, which is more than its schema requires.
 */
const Workload = z.looseObject({
  spec: z.looseObject({
    selector: z.looseObject({ matchLabels: texts }).optional(),
    template: z.looseObject({
      metadata: z.looseObject({ labels: texts, annotations: texts.optional() }),
      spec: z.looseObject({
        terminationGracePeriodSeconds: z.number().default(30),
        automountServiceAccountToken: z.literal(false),
        securityContext: z.looseObject({
          runAsNonRoot: z.literal(true),
          runAsUser: z.number().min(1),
          seccompProfile: z.looseObject({ type: z.literal('RuntimeDefault') }),
        }),
        containers: z.tuple([Container]),
      }),
    }),
  }),
});

export interface Pod {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly graceSeconds: number;
  readonly container: z.infer<typeof Container>;
}

export const isWorkload = ({ kind }: KubernetesObject): boolean => kind === 'Deployment' || kind === 'Job';

/**
 * Reads the pod of a Deployment or Job.
 * @throws ZodError naming the field that is missing or lax
 */
export function podOf(object: KubernetesObject): Pod {
  const { selector, template } = Workload.parse(object).spec;
  return {
    labels: template.metadata.labels,
    annotations: template.metadata.annotations ?? {},
    selector: selector?.matchLabels,
    graceSeconds: template.spec.terminationGracePeriodSeconds,
    container: template.spec.containers[0],
  };
}
