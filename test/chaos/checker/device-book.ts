import type { Delivery, HistoryEvent } from '../history/event.js';
import { ChannelLog } from './channel-log.js';
import { Offences } from './finding.js';

export interface DeviceLog {
  readonly device: string;
  readonly channels: Map<string, ChannelLog>;
  /** The numbers of the publishes handed to the application. */
  readonly numbers: Set<number>;
  /** The time since which the device wants to be online and keeps up; undefined if it is away or slow. */
  presentSince: number | undefined;
  /** True if the device reads messages later than they come. */
  isSlow: boolean;
  /** The time since which the device's connection is registered; undefined if it has none. */
  openSince: number | undefined;
  /** The instance of the device's latest connection. */
  via: string;
}

/** Records what every device was given, and what was irregular about the way in which it came. */
export class DeviceBook {
  readonly all = new Map<string, DeviceLog>();
  /** Counts the repeats that the devices' dedupe dropped, which are no fault. */
  rawRepeats = 0;
  readonly duplicates = new Offences();
  readonly outOfOrder = new Offences();
  readonly silentGaps = new Offences();
  readonly repeatedAfterAck = new Offences();

  take(event: HistoryEvent): void {
    switch (event.event) {
      case 'world':
        for (const device of event.devices) this.add(device);
        break;
      case 'arrive':
      case 'leave':
      case 'open':
      case 'close':
        this.move(event);
        break;
      case 'deliver':
        for (const delivery of event.messages) this.deliver(event, delivery);
        break;
      case 'gap':
        this.pass(event);
        break;
      case 'ack-saved':
        this.confirm(event);
        break;
      default:
    }
  }

  of(device: string): DeviceLog {
    return this.all.get(device) ?? this.add(device);
  }

  private add(device: string): DeviceLog {
    const log: DeviceLog = {
      ...{ device, channels: new Map(), numbers: new Set() },
      ...{ presentSince: undefined, isSlow: false, openSince: undefined, via: '' },
    };
    this.all.set(device, log);
    return log;
  }

  private channel(device: string, channel: string, start = 0): ChannelLog {
    const { channels } = this.of(device);
    let log = channels.get(channel);
    if (!log) {
      log = new ChannelLog(start);
      channels.set(channel, log);
    }
    return log;
  }

  private move(event: HistoryEvent & { event: 'arrive' | 'leave' | 'open' | 'close' }): void {
    const log = this.of(event.device);
    if (event.event === 'arrive') {
      log.presentSince = event.isSlow ? undefined : event.at;
      log.isSlow = event.isSlow;
    }
    if (event.event === 'leave') log.presentSince = undefined;
    log.openSince = event.event === 'open' ? event.at : undefined;
    if (event.event !== 'open') return;
    log.via = event.via;
    for (const [channel, seq] of Object.entries(event.positions))
      this.begin(this.channel(event.device, channel, seq), seq, event.at);
  }

  /**
   * Begins a connection at the seq that `ready` names. If that lies beyond what the device has processed, the messages
   * in between had gone, and their gap was announced on a connection that ended before the device processed it. Whether
   * they had really gone is checked as for any gap.
   */
  private begin(log: ChannelLog, seq: number, at: number): void {
    if (seq > log.last) log.gaps.push({ fromSeq: log.last + 1, toSeq: seq, reason: 'expired', at });
    log.last = Math.max(log.last, seq);
  }

  private confirm({ device, positions }: HistoryEvent & { event: 'ack-saved' }): void {
    for (const [channel, seq] of Object.entries(positions)) {
      const log = this.channel(device, channel);
      log.confirmed = Math.max(log.confirmed, seq);
    }
  }

  private deliver(event: HistoryEvent & { event: 'deliver' }, [channel, seq, n, , isFresh]: Delivery): void {
    const { device, at } = event;
    const log = this.channel(device, channel);
    const where = `${device} ${channel}#${seq} at ${at} ms`;
    // A device has one connection at a time, and what follows the confirmation on it was sent after the confirmation. A
    // slow device is excepted, because a repeat may have lain unread when the confirmation came.
    if (seq <= log.confirmed && !this.of(device).isSlow)
      this.repeatedAfterAck.add(`${where}, confirmed up to ${log.confirmed}`);
    if (isFresh) this.handOver(log, { device, seq, n, where });
    else {
      this.rawRepeats += 1;
      const isNew = !log.seen.has(seq) && seq > log.start && !log.isGone(seq);
      if (isNew) this.outOfOrder.add(`${where} came after #${log.last} and was dropped`);
    }
  }

  private handOver(log: ChannelLog, what: { device: string; seq: number; n: number; where: string }): void {
    const { device, seq, n, where } = what;
    const { numbers } = this.of(device);
    if (log.seen.has(seq)) this.duplicates.add(`${where} again`);
    else if (numbers.has(n)) this.duplicates.add(`${where} is publish ${n} a second time`);
    else if (seq <= log.last) this.outOfOrder.add(`${where} came after #${log.last}`);
    if (seq > log.last + 1) this.silentGaps.add(`${where} came after #${log.last}`, seq - log.last - 1);
    log.seen.add(seq);
    log.last = Math.max(log.last, seq);
    numbers.add(n);
  }

  private pass({ device, channel, fromSeq, toSeq, reason, at }: HistoryEvent & { event: 'gap' }): void {
    const log = this.channel(device, channel);
    if (fromSeq > log.last + 1)
      this.silentGaps.add(`${device} ${channel}: gap from ${fromSeq} came after #${log.last} at ${at} ms`);
    log.gaps.push({ fromSeq, toSeq, reason, at });
    log.last = Math.max(log.last, toSeq);
  }
}
