/** The state of this process, which is set by whoever starts and stops it. */
export class Readiness {
  private current: 'starting' | 'ready' | 'draining' = 'starting';
  private hasBeenReady = false;

  get state(): 'starting' | 'ready' | 'draining' {
    return this.current;
  }

  set state(state: 'starting' | 'ready' | 'draining') {
    this.current = state;
    this.hasBeenReady ||= state === 'ready';
  }

  get isReady(): boolean {
    return this.current === 'ready';
  }

  /** True once the process has been ready; this stays so when it goes on under a new identity. */
  get hasStarted(): boolean {
    return this.hasBeenReady;
  }
}
