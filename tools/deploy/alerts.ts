import { z } from 'zod';
import type { Tree } from './tree.js';

const RULES = 'deploy/prometheus/alerts.yml';
const GUIDE = 'docs/operations.md';
const Rules = z.looseObject({
  groups: z.array(z.looseObject({ rules: z.array(z.looseObject({ alert: z.string().optional() })) })),
});

/**
 * Compares the alerts with the guide: everybody woken by an alert finds it there, and the guide mentions no other
 * alert.
 */
export function alertFaults(tree: Tree): string[] {
  const { groups } = Rules.parse(tree.yaml(RULES)[0]);
  const sent = new Set(groups.flatMap(({ rules }) => rules.flatMap(({ alert }) => alert ?? [])));
  const told = new Set(tree.text(GUIDE).match(/\bTrunkline[A-Z]\w+/g));
  return [
    ...[...sent].filter((name) => !told.has(name)).map((name) => `${GUIDE}: does not tell what to do about ${name}`),
    ...[...told].filter((name) => !sent.has(name)).map((name) => `${RULES}: has no ${name}`),
  ];
}
