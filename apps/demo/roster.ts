import { userIdOf } from './user-id.js';

/** A user of the demo: one person, whatever nick they hold at the moment. */
export interface Person {
  readonly user: string;
  nick: string;
  isHere: boolean;
}

/**
 * Knows who holds which nick, line after line. A nick names its user exactly as spelled, since the IRC server spells a
 * nick in one way only; addressing ignores case, since people type it as they like. An absent person keeps the nick
 * until somebody else takes it, so it can still be addressed.
 */
export class Roster {
  private readonly people = new Map<string, Person>();
  private readonly holders = new Map<string, Person>();
  /** Maps each nick in lower case to the spelling met last. */
  private readonly spellings = new Map<string, string>();

  constructor(private readonly idOf: (nick: string) => string = userIdOf) {}

  get users(): string[] {
    return [...this.people.keys()];
  }

  /** Finds the person who appears under this nick: its holder, or somebody new. */
  appear(nick: string): Person {
    const person = this.holders.get(nick) ?? this.returning(nick);
    this.give(nick, person);
    return person;
  }

  known(nick: string): Person | undefined {
    return this.holders.get(nick);
  }

  addressee(word: string): Person | undefined {
    return this.holders.get(word) ?? this.holders.get(this.spellings.get(word.toLowerCase()) ?? '');
  }

  /**
   * Gives the person the new nick. A nick is unique, so a former holder must have gone.
   * @returns the former holder
   */
  rename(person: Person, to: string): Person | undefined {
    const former = this.holders.get(to);
    this.give(to, person);
    return former === person ? undefined : former;
  }

  /**
   * Finds the user first met under this nick. If that user is here under another nick, somebody new has taken this one.
   */
  private returning(nick: string): Person {
    const base = this.idOf(nick);
    for (let namesakes = 1; ; namesakes++) {
      const user = namesakes === 1 ? base : `${base}+n${namesakes}`;
      const person = this.people.get(user);
      if (person && !person.isHere) return person;
      if (!person) return this.newcomer(user, nick);
    }
  }

  private newcomer(user: string, nick: string): Person {
    const person = { user, nick, isHere: false };
    this.people.set(user, person);
    return person;
  }

  private give(nick: string, person: Person): void {
    if (this.holders.get(person.nick) === person) this.holders.delete(person.nick);
    this.holders.set(nick, person);
    this.spellings.set(nick.toLowerCase(), nick);
    person.nick = nick;
  }
}
