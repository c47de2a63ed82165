import type { Tree } from './tree.js';

/** Finds programs of dist/ that these files name and that no source makes. */
export function programFaults(tree: Tree, paths: readonly string[]): string[] {
  const named = paths.flatMap((path) =>
    [...tree.text(path).matchAll(/\bdist\/([\w/.-]+)\.js\b/g)].map(([, source = '']) => ({ path, source })),
  );
  return named
    .filter(({ source }) => !tree.has(`${source}.ts`))
    .map(({ path, source }) => `${path}: nothing makes dist/${source}.js`);
}
