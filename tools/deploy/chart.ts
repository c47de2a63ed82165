import { parse as render } from '@evertdespiegeleer/go-template';
import { Ajv } from 'ajv';
import { z } from 'zod';
import { KubernetesObject } from './kubernetes-object.js';
import { schemaErrors } from './schema-errors.js';
import { parseYaml, type Tree } from './tree.js';

const CHART = 'deploy/helm/trunkline';
const Chart = z.looseObject({ name: z.string(), version: z.string(), appVersion: z.string() });
export type Values = Record<string, unknown>;

/**
 * Renders the chart with Go's own templates (compiled to WebAssembly). Helm adds some hundred functions to those; the
 * chart uses none of them, and rendering would fail if it did. As with `helm lint --strict`, a missing value is an
 * error.
 */
export class HelmChart {
  readonly about: z.infer<typeof Chart>;
  readonly defaults: Values;

  constructor(private readonly tree: Tree) {
    this.about = Chart.parse(tree.yaml(`${CHART}/Chart.yaml`)[0]);
    this.defaults = z.record(z.string(), z.unknown()).parse(tree.yaml(`${CHART}/values.yaml`)[0]);
  }

  valuesFaults(values: Values): string[] {
    const ajv = new Ajv({ allErrors: true });
    const validate = ajv.compile(this.tree.json(`${CHART}/values.schema.json`) as object);
    if (validate(values)) return [];
    return schemaErrors(validate.errors).map((error) => `values of the chart: ${error}`);
  }

  async objects(values: Values, release: string): Promise<KubernetesObject[]> {
    const names = this.tree.list(`${CHART}/templates`);
    const read = (name: string): string => this.tree.text(`${CHART}/templates/${name}`);
    // Helm gives all templates the same set of definitions.
    const parts = names.filter((name) => name.endsWith('.tpl')).map(read);
    const context = {
      Values: values,
      Chart: { Name: this.about.name, Version: this.about.version, AppVersion: this.about.appVersion },
      Release: { Name: release, Namespace: 'default', Service: 'Helm' },
    };
    const objects: KubernetesObject[] = [];
    for (const name of names.filter((each) => each.endsWith('.yaml'))) {
      const place = `${CHART}/templates/${name}`;
      const text = await render(`${parts.join('')}${read(name)}`, context).catch((error: Error) => {
        throw new Error(`${place}: ${error.message}`);
      });
      if (text.includes('<no value>')) throw new Error(`${place}: a value is missing`);
      objects.push(...parseYaml(text, place).map((object) => KubernetesObject.parse(object)));
    }
    return objects;
  }
}
