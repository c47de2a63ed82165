import type { Dropped } from '#message-persistence';

export function toReport(...all: readonly Dropped[]): { rows: number; notes: string[] } {
  const dropped = all.flatMap((one) => one.dropped);
  const kept = all.flatMap((one) => one.kept);
  return {
    rows: dropped.length,
    notes: [...dropped.map((name) => `${name} dropped`), ...kept.map((name) => `kept ${name}`)],
  };
}
