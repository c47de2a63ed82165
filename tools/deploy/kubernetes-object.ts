import { z } from 'zod';
import { watched } from './watched.js';

const texts = z.record(z.string(), z.string());

/** The fields that every object has. Its schema knows the others. */
export const KubernetesObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: texts.optional(), annotations: texts.optional() }),
});
export type KubernetesObject = z.infer<typeof KubernetesObject>;

export const nameOf = ({ kind, metadata }: KubernetesObject): string => `${kind} ${metadata.name}`;

interface Validated {
  validate(): void;
}

interface Model {
  readonly prototype: Validated;
}

/**
 * Checks an object against the schema that Kubernetes publishes. A field that the schema does not have is a fault as
 * well.
 */
export async function schemaFaults(object: KubernetesObject): Promise<string[]> {
  const model = await modelOf(object);
  if (!model) return [`${nameOf(object)}: no ${object.kind} in ${object.apiVersion}`];
  const { value, unread } = watched(structuredClone(object));
  try {
    (Object.setPrototypeOf(value, model.prototype) as Validated).validate();
  } catch (error) {
    return [`${nameOf(object)}: ${(error as Error).message}`];
  }
  return unread().map((field) => `${nameOf(object)}: there is no field ${field}`);
}

async function modelOf({ apiVersion, kind }: KubernetesObject): Promise<Model | undefined> {
  try {
    return ((await import(`kubernetes-models/${apiVersion}`)) as Record<string, Model>)[kind];
  } catch {
    return undefined;
  }
}
