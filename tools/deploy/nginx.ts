import { addressOf, ComposeFile, isOurs } from './compose.js';
import type { Tree } from './tree.js';

const CONF = 'deploy/nginx.conf';
const DIRECTORY = 'deploy/nginx';
const PORT = 3_000;

/**
 * Checks that nginx sends to the instances that docker-compose.yml starts. Its grammar is judged by nginx itself, in a
 * test.
 */
export function nginxFaults(tree: Tree): string[] {
  const conf = tree.text(CONF);
  const included = [...conf.matchAll(/^\s*include trunkline\/([\w.]+);/gm)].map(([, name = '']) => name);
  const missing = included.filter((name) => !tree.has(`${DIRECTORY}/${name}`));
  if (missing.length > 0) return missing.map((name) => `${CONF}: there is no ${DIRECTORY}/${name}`);
  const all = [conf, ...included.map((name) => tree.text(`${DIRECTORY}/${name}`))].join('\n');
  const { nginx, ...others } = new ComposeFile(tree).services;
  const ours = Object.values(others).filter((service) => isOurs(service) && addressOf(service) !== undefined);
  const expected = ours.map((service) => `${addressOf(service)}:${PORT}`).sort();
  const named = [...all.matchAll(/^\s*server ([\d.:]+)/gm)].map(([, address = '']) => address).sort();
  const front = nginx && addressOf(nginx);
  const listens = /^\s*listen (\d+)/m.exec(all)?.[1] ?? '';
  return [
    ...(String(named) === String(expected)
      ? []
      : [`${DIRECTORY}: sends to ${named.join()}, there are ${expected.join()}`]),
    ...(nginx?.ports[0]?.endsWith(`:${listens}`)
      ? []
      : [`${DIRECTORY}: listens on ${listens}, which nobody publishes`]),
    ...ours
      .filter(({ environment }) => environment['TRUST_PROXY'] !== front)
      .map(() => `docker-compose.yml: TRUST_PROXY is not nginx, which is ${front}`),
    ...(/\b(ip_hash|sticky|hash)\b/.test(all.replace(/#.*/g, '')) ? [`${CONF}: is sticky`] : []),
  ];
}
