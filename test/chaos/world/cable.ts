import { ChaosProxy } from '../net/chaos-proxy.js';
import type { Slot } from './slot.js';

/** A proxied link: each client has a proxy of its own, whose connections lead to the instance chosen last. */
export class ProxiedLink {
  slot: Slot | undefined;

  private constructor(readonly proxy: ChaosProxy) {}

  static async make(): Promise<ProxiedLink> {
    const link: ProxiedLink = new ProxiedLink(await ChaosProxy.start(() => link.slot?.port));
    return link;
  }

  get url(): string {
    return `http://127.0.0.1:${this.proxy.port}`;
  }
}
