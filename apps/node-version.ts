/**
 * Every program's main imports this file before anything else, because an older Node.js may not even be able to parse
 * the modules that the program loads next.
 */
const OLDEST = [20, 19] as const;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(`Node.js ${process.versions.node} is too old: Trunkline needs ${OLDEST.join('.')} or newer\n`);
  process.exit(1);
}
