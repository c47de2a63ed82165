// Compiles the TypeScript sources into dist/, beside the SQL of the migrations, unless dist/ already holds exactly these.
//
// Types are not checked here (`npm run check` does), so that a start costs half a second and not ten.
// Two builds may run at once: they take turns through a lock, each file appears by a rename, and files whose content
// stays are not touched. A process that is just loading dist/ therefore never meets a missing or half-written module.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const SOURCE_DIRS = ['apps', 'examples', 'libs', 'migrations', 'bench', 'test', 'tools'];
// These files decide the output, too: a change in one of them compiles everything anew.
const SETTINGS = ['.swcrc', 'package-lock.json', 'tools/build.mjs'];
const MIGRATION = /^migrations\/\d{4}-[^/]+\.sql$/;
const OUT = 'dist';
const STAMP = path.join(OUT, '.built-from');
const LOCK = path.join(OUT, '.lock');
const TEMPORARY = '.tmp';
const LOCK_STALE_MS = 60_000;

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
fs.mkdirSync(OUT, { recursive: true });
if (!isBuilt()) {
  await acquireLock();
  try {
    if (!isBuilt()) await build();
  } finally {
    fs.rmSync(LOCK, { force: true });
  }
}

function isBuilt() {
  const sources = listSources();
  // An image that carries only dist/ has nothing to build from, and no compiler.
  return sources.length === 0 || readIfThere(STAMP) === fingerprint(sources);
}

async function build() {
  const startedAt = performance.now();
  const { transformFile } = await import('@swc/core'); // a development dependency, loaded only where it is needed
  const sources = listSources();
  const builtFrom = fingerprint(sources);
  const outputs = new Map((await Promise.all(sources.map((source) => compile(source, transformFile)))).flat());
  fs.rmSync(STAMP, { force: true }); // a build cut short from here on must not pass for a finished one
  for (const [file, content] of outputs) writeIfChanged(file, content);
  removeAllBut(outputs);
  replace(STAMP, builtFrom);
  console.error(`built ${sources.length} files in ${Math.round(performance.now() - startedAt)} ms`);
}

function listSources() {
  return SOURCE_DIRS.filter((dir) => fs.existsSync(dir))
    .flatMap((dir) => fs.readdirSync(dir, { recursive: true }).map((file) => path.join(dir, file)))
    .filter((file) => (file.endsWith('.ts') && !/\.(spec|d)\.ts$/.test(file)) || MIGRATION.test(file))
    .sort();
}

/**
 * Digests names and contents instead of times, because a checkout, a copy or a restored cache may keep or change times.
 */
function fingerprint(sources) {
  const hash = createHash('sha256');
  for (const file of [...SETTINGS, ...sources]) hash.update(`${file}\0${readIfThere(file)}\0`);
  return hash.digest('hex');
}

async function compile(source, transformFile) {
  if (MIGRATION.test(source)) return [[path.join(OUT, source), fs.readFileSync(source, 'utf8')]];
  const target = path.join(OUT, source.replace(/\.ts$/, '.js'));
  const sourceFileName = path.relative(path.dirname(target), source);
  const { code, map } = await transformFile(source, { sourceFileName });
  return [
    [`${target}.map`, map],
    [target, `${code}//# sourceMappingURL=${path.basename(target)}.map\n`],
  ];
}

function writeIfChanged(file, content) {
  if (readIfThere(file) === content) return;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  replace(file, content);
}

function replace(file, content) {
  const temporary = `${file}.${process.pid}${TEMPORARY}`;
  fs.writeFileSync(temporary, content);
  fs.renameSync(temporary, file);
}

/**
 * Removes other files, because the output of a deleted source could still be imported, and a deleted migration would
 * still run.
 */
function removeAllBut(outputs) {
  for (const entry of fs.readdirSync(OUT, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile() || file === LOCK || file.endsWith(TEMPORARY)) continue;
    if (!outputs.has(file)) fs.rmSync(file, { force: true });
  }
}

async function acquireLock() {
  for (;;) {
    try {
      return fs.writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    // If two waiters break the same stale lock, both build the same files, which is only twice the work.
    if (isLockStale()) fs.rmSync(LOCK, { force: true });
    else await sleep(50);
  }
}

function isLockStale() {
  const stat = fs.statSync(LOCK, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  if (Date.now() - stat.mtimeMs > LOCK_STALE_MS) return true;
  const pid = Number(readIfThere(LOCK));
  if (!(pid > 0)) return false; // the owner has created the lock and not written it yet
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

function readIfThere(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
