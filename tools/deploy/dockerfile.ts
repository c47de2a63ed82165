import { validate } from 'dockerfile-utils';
import { lastOf, stagesOf, type Stage, type Step } from './image.js';
import { isSetting } from './settings.js';
import type { Tree } from './tree.js';

const PINNED = /^[a-z/]+:\d+\.\d+(?:\.\d+)?(?:-[a-z]+)?$/;

/** Checks the Dockerfile against its grammar, and against what an image of ours has to be. */
export function dockerfileFaults(tree: Tree): string[] {
  const text = tree.text('Dockerfile');
  const grammar = validate(text).map(({ range, message }) => `line ${range.start.line + 1}: ${textOf(message)}`);
  const stages = stagesOf(text);
  const faults = [
    ...grammar,
    ...stages.flatMap((stage) => stageFaults(tree, stages, stage)),
    ...finalFaults(stages.at(-1)),
  ];
  return faults.map((fault) => `Dockerfile: ${fault}`);
}

const textOf = (message: string | { value: string }): string => (typeof message === 'string' ? message : message.value);

function stageFaults(tree: Tree, stages: readonly Stage[], { base, steps }: Stage): string[] {
  const copies = steps.filter(({ keyword }) => keyword === 'COPY');
  return [
    ...(PINNED.test(base) ? [] : [`FROM ${base} is not pinned to major.minor`]),
    ...copies.flatMap((copy) => copyFaults(tree, stages, copy)),
    ...steps.flatMap(variablesOf).map((name) => `${name} is no setting of libs/config`),
  ];
}

function copyFaults(tree: Tree, stages: readonly Stage[], { words, flags }: Step): string[] {
  const { from } = flags;
  if (from !== undefined) return stages.some(({ name }) => name === from) ? [] : [`there is no stage ${from}`];
  const sources = words.slice(0, -1);
  const context = tree.text('.dockerignore').split('\n');
  return [
    ...sources.filter((path) => !tree.has(path)).map((path) => `there is no ${path} to copy`),
    ...sources.filter((path) => !context.includes(`!${path}`)).map((path) => `.dockerignore leaves ${path} out`),
  ];
}

/** Finds the variables that are neither a setting nor set by Node's image. */
function variablesOf({ keyword, text }: Step): string[] {
  const set = keyword === 'ENV' ? [...text.matchAll(/(?:^|\s)(\w+)=/g)] : [];
  const read = [...text.matchAll(/process\.env\.(\w+)|\$\{?([A-Z]\w*)/g)];
  return [...set, ...read].map(([, a, b]) => a ?? b ?? '').filter((name) => !isSetting(name));
}

function finalFaults(image: Stage | undefined): string[] {
  const [user = ''] = lastOf(image, 'USER')?.words ?? [];
  const faults = /^[1-9]\d*:[1-9]\d*$/.test(user) ? [] : [`USER ${user} is no number other than root`];
  for (const keyword of ['ENTRYPOINT', 'CMD', 'HEALTHCHECK']) {
    if (!lastOf(image, keyword)?.exec) faults.push(`${keyword} is not in exec form, SIGTERM would end at a shell`);
  }
  if (lastOf(image, 'ENV')?.text !== 'NODE_ENV=production') faults.push('it does not run as production');
  return faults;
}
