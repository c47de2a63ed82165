/** True once the instance serves and until it drains; set by whoever starts and stops it. */
export class Readiness {
  isReady = false;
}
