import { z } from 'zod';
import { KubernetesObject } from './kubernetes-object.js';
import type { Tree } from './tree.js';

const DIRECTORY = 'deploy/kubernetes';
export const EXAMPLE_SECRET = 'secret.example.yaml';

/** The part of kustomize that kustomization.yaml uses. Anything else in the file is refused rather than overlooked. */
const Kustomization = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
  kind: z.literal('Kustomization'),
  resources: z.array(z.string()),
  images: z.array(z.strictObject({ name: z.string(), newName: z.string(), newTag: z.string() })),
});

/** The objects that `kubectl apply -k deploy/kubernetes` applies. */
export class Manifests {
  readonly kustomization: z.infer<typeof Kustomization>;

  constructor(private readonly tree: Tree) {
    this.kustomization = Kustomization.parse(tree.yaml(`${DIRECTORY}/kustomization.yaml`)[0]);
  }

  objects(): KubernetesObject[] {
    return this.kustomization.resources.flatMap((name) => this.read(name));
  }

  exampleSecret(): KubernetesObject[] {
    return this.read(EXAMPLE_SECRET);
  }

  /** Finds files that nobody applies, because such a file looks as if it had an effect. */
  faults(): string[] {
    const known = new Set(['kustomization.yaml', EXAMPLE_SECRET, ...this.kustomization.resources]);
    return this.tree
      .list(DIRECTORY)
      .filter((name) => !known.has(name))
      .map((name) => `${DIRECTORY}/${name}: not among the resources of kustomization.yaml`);
  }

  private read(name: string): KubernetesObject[] {
    return this.tree.yaml(`${DIRECTORY}/${name}`).map((object) => KubernetesObject.parse(object));
  }
}
