/**
 * Imported before anything else by each program's main: what it loads then may not even be readable for an older Node.js.
 */
const OLDEST = [20, 19] as const;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(`Node.js ${process.versions.node} is too old: Trunkline needs ${OLDEST.join('.')} or newer\n`);
  process.exit(1);
}
