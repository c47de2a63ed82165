import type { HttpAdapterHost } from '@nestjs/core';
import { Trunkline } from './trunkline.js';

describe('Trunkline in an application', () => {
  it('refuses to publish with a rejection while it is not started', async () => {
    const trunkline = new Trunkline({}, {} as HttpAdapterHost);
    const published = trunkline.publish({ channel: 'user:ann', type: 'note', data: 1 });
    await expect(published).rejects.toMatchObject({ errorName: 'UNAVAILABLE' });
    expect(trunkline.health()).toEqual({ state: 'starting', instanceId: undefined });
  });
});
