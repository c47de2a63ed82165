import { ChaosProxy } from '../net/chaos-proxy.js';
import type { Slot } from './slot.js';

/** A proxied link: each client has a proxy of its own, whose connections lead to the instance chosen last. */
export class Cable {
  slot: Slot | undefined;

  private constructor(readonly proxy: ChaosProxy) {}

  static async make(): Promise<Cable> {
    const cable: Cable = new Cable(await ChaosProxy.start(() => cable.slot?.port));
    return cable;
  }

  get url(): string {
    return `http://127.0.0.1:${this.proxy.port}`;
  }
}
