import type { WsSocket } from './engine-internals.js';
import { TurnBudget } from './turn-queue.js';

type ReadableWebSocket = Pick<WsSocket, 'pause' | 'resume' | 'prependListener' | 'off' | '_receiver'>;

/** Frames that were read and wait for a turn. */
interface Backlog {
  readonly frames: (readonly [frame: Buffer, isBinary: boolean])[];
  readonly onClose: () => void;
}

/**
 * Frames taken from one socket in one turn of the event loop. By itself `ws` hands over all frames of a chunk at once:
 * hundreds of small ones, from each of the sockets that have sent as much, before anybody else is served.
 */
const FRAMES_PER_TURN = 2;

function takeSome(reader: FrameReader): void {
  reader.takeSome();
}

/**
 * Takes the frames of one socket in their order, a few in each turn, so that a client that sends many at once waits for
 * the others and not they for it. While frames wait nothing more is read, so that TCP holds the client back.
 */
export class FrameReader {
  /** Undefined while nothing waits, which is most of the time. */
  private backlog: Backlog | undefined;
  private readonly budget = new TurnBudget(FRAMES_PER_TURN);
  private isPaused = false;

  constructor(
    private readonly ws: ReadableWebSocket | undefined,
    private readonly take: (frame: Buffer, isBinary: boolean) => void,
  ) {}

  read(frame: Buffer, isBinary: boolean): void {
    if (!this.backlog && this.mayTake()) this.take(frame, isBinary);
    else (this.backlog ??= this.openBacklog()).frames.push([frame, isBinary]);
  }

  /** Takes and reads nothing more until {@link resume}. */
  pause(): void {
    this.isPaused = true;
    this.handOverMany(false);
    this.ws?.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.backlog) setImmediate(takeSome, this);
    else this.ws?.resume();
  }

  /** Takes what may be taken in this turn of what waits. Called by the next turn. */
  takeSome(): void {
    const frames = this.backlog?.frames ?? [];
    let count = 0;
    while (count < frames.length && this.mayTake()) this.takeAt(frames, count++);
    frames.splice(0, count);
    if (this.isPaused) return;
    if (frames.length > 0) setImmediate(takeSome, this);
    else this.closeBacklog();
  }

  private mayTake(): boolean {
    if (this.isPaused) return false;
    const left = this.budget.take();
    // At none left, `ws` keeps the next frame for the next turn. If it does otherwise, the frame waits here.
    this.handOverMany(left > 0);
    return left >= 0;
  }

  private handOverMany(isAllowed: boolean): void {
    const receiver = this.ws?._receiver;
    if (receiver?._allowSynchronousEvents !== undefined) receiver._allowSynchronousEvents = isAllowed;
  }

  private openBacklog(): Backlog {
    const backlog: Backlog = {
      frames: [],
      // What was sent before the end counts, such as the acknowledgements of a client that then leaves.
      onClose: () => {
        for (let at = 0; at < backlog.frames.length; at++) this.takeAt(backlog.frames, at);
        backlog.frames.length = 0;
      },
    };
    this.ws?.prependListener('close', backlog.onClose);
    if (this.isPaused) return backlog;
    this.ws?.pause();
    setImmediate(takeSome, this);
    return backlog;
  }

  private closeBacklog(): void {
    if (!this.backlog) return;
    this.ws?.off('close', this.backlog.onClose);
    this.backlog = undefined;
    this.ws?.resume();
  }

  private takeAt(frames: Backlog['frames'], at: number): void {
    const [frame, isBinary] = frames[at] ?? [];
    if (frame) this.take(frame, isBinary ?? false);
  }
}
