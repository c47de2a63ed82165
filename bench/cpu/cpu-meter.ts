import { cpuMs } from './proc.js';

/** Milliseconds of CPU time by kind of process. */
export type CpuUse = Readonly<Record<string, number>>;

interface Metered {
  readonly name: string;
  readonly pid: number;
  readonly withChildren?: boolean;
}

/** Reads the CPU time of a group of processes. It works on Linux only; elsewhere every figure is 0. */
export class CpuMeter {
  constructor(private readonly processes: readonly Metered[]) {}

  async read(): Promise<CpuUse> {
    const use: Record<string, number> = {};
    for (const { name, pid, withChildren = false } of this.processes) {
      use[name] = (use[name] ?? 0) + (await cpuMs(pid, withChildren));
    }
    return use;
  }
}

/** Computes microseconds of CPU time for each of `count` things, by kind of process. */
export function perThing(before: CpuUse, after: CpuUse, count: number): CpuUse {
  const names = Object.keys(after);
  return Object.fromEntries(
    names.map((name) => [name, (((after[name] ?? 0) - (before[name] ?? 0)) * 1_000) / Math.max(count, 1)]),
  );
}

export function total(use: CpuUse): number {
  return Object.values(use).reduce((sum, value) => sum + value, 0);
}
