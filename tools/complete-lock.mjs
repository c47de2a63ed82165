// Adds to package-lock.json what npm left out of it: the native halves (of compilers and parsers) for systems whose
// builds the registry in use does not serve. `npm ci` refuses a lock without them, on every system.
//
//   node tools/complete-lock.mjs           after each `npm install`; run it and commit the lock
//   node tools/complete-lock.mjs --check   only reports whether something is missing
//
// The added entries carry no integrity, because there is no package here from which it could be computed.
import fs from 'node:fs';

const LOCK = new URL('../package-lock.json', import.meta.url);
const EXACT_VERSION = /^\d+\.\d+\.\d+(-[\w.-]+)?$/;

const lock = JSON.parse(fs.readFileSync(LOCK, 'utf8'));
const missing = Object.entries(lock.packages).flatMap(([path, dependent]) =>
  Object.entries(dependent.optionalDependencies ?? {})
    .filter(([name]) => !isLocked(name, path))
    .map(([name, version]) => ({ name, version, dependent })),
);

const unpinned = missing.filter(({ version }) => !EXACT_VERSION.test(version));
if (unpinned.length > 0) fail(`no exact version to lock: ${listOf(unpinned)}`);
if (process.argv.includes('--check')) {
  if (missing.length > 0) fail(`missing: ${listOf(missing)}\nRun: node tools/complete-lock.mjs`);
} else {
  for (const each of missing) lock.packages[`node_modules/${each.name}`] = entryOf(each);
  // npm's own order, so that its next run leaves the rest of the file alone
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  fs.writeFileSync(LOCK, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
  console.log(`added ${missing.length} entries to package-lock.json`);
}

/** Looks for a package where Node would: beside the dependent, and then up through the enclosing packages. */
function isLocked(name, dependentPath) {
  for (let dir = dependentPath; ; dir = dir.slice(0, Math.max(0, dir.lastIndexOf('node_modules/') - 1))) {
    if (lock.packages[`${dir && `${dir}/`}node_modules/${name}`]) return true;
    if (dir === '') return false;
  }
}

function entryOf({ name, version, dependent }) {
  const { cpu, os, libc } = platformOf(name);
  return {
    version,
    ...(cpu && { cpu: [cpu] }),
    ...(dependent.dev && { dev: true }),
    ...(libc && { libc: [libc] }),
    optional: true,
    ...(os && { os: [os] }),
  };
}

/**
 * Derives the platform from a name such as @swc/core-linux-arm64-musl. npm skips entries of other platforms without
 * asking for them.
 */
function platformOf(name) {
  const words = name.split('/').at(-1).split(/[-.]/);
  const find = (...known) => words.find((word) => known.includes(word));
  const os = find('aix', 'android', 'darwin', 'freebsd', 'linux', 'openharmony', 'sunos', 'win32');
  const arm = words.some((word) => /^(arm|armv\d.*)$/.test(word)) ? 'arm' : undefined;
  const cpu = find('arm64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64') ?? arm;
  if (os === undefined && cpu !== 'wasm32') fail(`cannot tell which system ${name} is for`);
  const musl = words.some((word) => word.startsWith('musl')) ? 'musl' : undefined;
  const glibc = words.some((word) => word.startsWith('gnu')) ? 'glibc' : undefined;
  return { os, cpu, libc: os === 'linux' ? (musl ?? glibc) : undefined };
}

function listOf(entries) {
  return entries.map(({ name, version }) => `${name}@${version}`).join(', ');
}

function fail(message) {
  console.error(`package-lock.json: ${message}`);
  process.exit(1);
}
