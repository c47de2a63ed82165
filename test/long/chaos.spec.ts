import { chaosRun } from '../chaos/chaos-run.js';

/** The choices of the run are random each time. Its output, which a failure shows, names the seed that repeats them. */
test('a minute of chaos loses nothing, repeats nothing, mixes nothing up and leaves no ghost', async () => {
  const { exitCode, verdict, output } = await chaosRun(['--seconds', '60', '--rate', '100']);
  if (exitCode !== 0) throw new Error(output);
  expect(verdict).toMatchObject({
    ...{ verdict: 'green', lost: 0, unexpected: 0, duplicated: 0, outOfOrder: 0, ghosts: 0 },
    faultsByKind: { kill: expect.any(Number), 'postgres-crash': expect.any(Number) },
  });
}, 240_000);
