import type { LogEvent } from './irc-log.js';
import { Roster, type Person } from './roster.js';
import { userIdOf } from './user-id.js';

/**
 * One message that a user publishes to a channel because of one line of the log. Channel and line together identify it.
 */
export interface Publication {
  readonly user: string;
  readonly channel: string;
  readonly type: 'chat' | 'action' | 'nick' | 'mention';
  readonly data: { readonly line: number } & Readonly<Record<string, string | number>>;
}

export type Step =
  | { readonly kind: 'arrive'; readonly user: string }
  | { readonly kind: 'depart'; readonly user: string }
  | { readonly kind: 'publish'; readonly user: string; readonly publication: Publication; readonly addressee?: string };

export interface ReplayPlan {
  readonly group: string;
  readonly users: readonly string[];
  readonly steps: readonly Step[];
}

/**
 * Turns a log into steps, in its order. `suffix` is appended to the group and to every user, for a database that other
 * runs have used before.
 */
export function planReplay(events: readonly LogEvent[], suffix = ''): ReplayPlan {
  const planner = new Planner(`group:ubuntu${suffix}`, new Roster((nick) => userIdOf(nick) + suffix));
  for (const event of events) planner.add(event);
  return planner.plan;
}

const ADDRESSED = /^([^\s:,]+)[:,](?:\s|$)/;

class Planner {
  private readonly steps: Step[] = [];

  constructor(
    private readonly group: string,
    private readonly roster: Roster,
  ) {}

  get plan(): ReplayPlan {
    return { group: this.group, users: this.roster.users, steps: this.steps };
  }

  add(event: LogEvent): void {
    switch (event.kind) {
      case 'said':
        return this.said(event);
      case 'joined':
        return this.joined(event.nick);
      case 'left':
        return this.depart(this.roster.known(event.nick));
      case 'renamed':
        return this.renamed(event);
    }
  }

  private said({ line, nick, text, isAction }: LogEvent & { kind: 'said' }): void {
    const { user } = this.present(nick);
    this.publish({ user, channel: this.group, type: isAction ? 'action' : 'chat', data: { line, text } });
    const addressee = isAction ? undefined : this.roster.addressee(ADDRESSED.exec(text)?.[1] ?? '')?.user;
    if (addressee === undefined) return;
    this.publish({ user, channel: `user:${addressee}`, type: 'mention', data: { line, text } }, addressee);
  }

  /** If somebody joins who never left, the log has missed the departure. */
  private joined(nick: string): void {
    this.depart(this.roster.known(nick));
    this.present(nick);
  }

  private renamed({ line, nick, to }: LogEvent & { kind: 'renamed' }): void {
    const person = this.present(nick);
    this.depart(this.roster.rename(person, to));
    const { user } = person;
    this.publish({ user, channel: this.group, type: 'nick', data: { line, user, name: to } });
  }

  /** Everybody who speaks is present, whether the log saw the arrival or not. */
  private present(nick: string): Person {
    const person = this.roster.appear(nick);
    if (!person.isHere) this.steps.push({ kind: 'arrive', user: person.user });
    person.isHere = true;
    return person;
  }

  private depart(person: Person | undefined): void {
    if (!person?.isHere) return;
    person.isHere = false;
    this.steps.push({ kind: 'depart', user: person.user });
  }

  private publish(publication: Publication, addressee?: string): void {
    const step = { kind: 'publish', user: publication.user, publication } as const;
    this.steps.push(addressee === undefined ? step : { ...step, addressee });
  }
}
