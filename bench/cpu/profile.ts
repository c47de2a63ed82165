import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** The parts of V8's profile format that are needed here. */
interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

const HOTTEST = 25;
/** Entries in which no JavaScript runs; they are left out. */
const IDLE = new Set(['(idle)', '(root)', '(program)']);

/** Lists for each profile in the folder the functions that used most time themselves. */
export async function describeProfiles(directory: string): Promise<string> {
  const files = (await readdir(directory, { recursive: true })).filter((file) => file.endsWith('.cpuprofile')).sort();
  const texts: string[] = [];
  for (const file of files) {
    const profile = JSON.parse(await readFile(join(directory, file), 'utf8')) as CpuProfile;
    texts.push([`${file}`, ...hottest(profile)].join('\n'));
  }
  return texts.join('\n\n');
}

function hottest({ nodes, samples, timeDeltas }: CpuProfile): string[] {
  const names = new Map(nodes.map((node) => [node.id, nameOf(node)]));
  const microsByName = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id) ?? '';
    microsByName.set(name, (microsByName.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  });
  const busy = [...microsByName].filter(([name]) => !IDLE.has(name)).sort(([, a], [, b]) => b - a);
  const total = busy.reduce((sum, [, micros]) => sum + micros, 0);
  return busy.slice(0, HOTTEST).map(([name, micros]) => {
    const share = ((micros / total) * 100).toFixed(1).padStart(5);
    return `  ${share} %  ${(micros / 1_000).toFixed(0).padStart(6)} ms  ${name}`;
  });
}

/** Names a function and its file, shortened to what tells it apart from others. */
function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  if (url === '') return functionName;
  const path = url.replace(/^file:\/\//, '').replace(/^.*\/(node_modules|dist)\//, '');
  const place = path.startsWith('node:') ? path : join(basename(dirname(path)), basename(path));
  return `${functionName || '(anonymous)'}  ${place}:${lineNumber + 1}`;
}
