// Checks that every relative link and every file name in the documents leads to something that exists.
//
//   node tools/doc-paths.mjs
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOTS = ['apps', 'bench', 'bin', 'deploy', 'docs', 'examples', 'libs', 'migrations', 'test', 'tools'];
const FILE = /^[\w./-]+\.(ts|mjs|md|sql|ya?ml|json)$/;
/** Files that a program writes, or that a reader of the documents does. */
const NOT_HERE = /^(client\.mjs|group\.mjs|dist\/.*)$/;

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const files = ROOTS.filter(existsSync).flatMap((root) =>
  readdirSync(root, { recursive: true })
    .map((name) => join(root, name))
    .filter((path) => !path.includes('node_modules')),
);
const names = new Set([...files, ...readdirSync('.')].map((path) => basename(path)));
const documents = ['README.md', 'CONTRIBUTING.md', ...files.filter((path) => path.endsWith('.md'))];
const faults = documents.flatMap(faultsOf);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;

function faultsOf(document) {
  const text = readFileSync(document, 'utf8').replaceAll(/^```.*?^```/gms, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link).filter((link) => !/^\w+:/.test(link));
  const words = [...text.matchAll(/`([^`\s]+)`/g)].map(([, word]) => word);
  return [
    ...links.filter((link) => !leadsSomewhere(document, link)),
    ...words.filter((word) => !NOT_HERE.test(word) && !isKnown(document, word)),
  ].map((wrong) => `${document}: there is no ${wrong}`);
}

function leadsSomewhere(document, link) {
  const [path, anchor] = link.split('#');
  const target = path === '' ? document : join(dirname(document), path);
  return existsSync(target) && (anchor === undefined || anchorsOf(target).includes(anchor));
}

/** The names that GitHub gives to the headings. */
function anchorsOf(document) {
  const headings = readFileSync(document, 'utf8').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** A path counts from the root of the repository or from the document, or from the sources of its lib. */
function isKnown(document, word) {
  const path = word.replace(/[*{<].*$/, '');
  const isPath = path.includes('/') && ROOTS.includes(path.split('/')[0]);
  if (isPath) return existsSync(path) || files.some((file) => file.startsWith(path));
  if (!FILE.test(word)) return true;
  if (!word.includes('/')) return names.has(word);
  return ['', dirname(document), join(dirname(document), 'src')].some((base) => existsSync(join(base, word)));
}
