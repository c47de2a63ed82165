import { parseIrcLog } from './irc-log.js';
import { planReplay, type Step } from './replay-plan.js';

/** Writes each step of a log as a short string. */
function stepsOf(...lines: string[]): string[] {
  return planReplay(parseIrcLog(lines.join('\n')).events).steps.map(inShort);
}

function inShort(step: Step): string {
  if (step.kind !== 'publish') return `${step.user} ${step.kind}s`;
  const { channel, type, data } = step.publication;
  return `${step.user} ${type} ${channel} ${data['text'] ?? data['name'] ?? ''}`;
}

const joins = (nick: string): string => `=== ${nick} [~u@host]  has joined #ubuntu`;
const leaves = (nick: string): string => `=== ${nick} [~u@host]  has left #ubuntu []`;
const renames = (nick: string, to: string): string => `=== ${nick} is now known as ${to}`;
const says = (nick: string, text: string): string => `[11:22] <${nick}> ${text}`;

describe('planReplay', () => {
  it('connects who joins, and at their first word who was there before', () => {
    expect(stepsOf(joins('a'), says('b', 'hi'), says('b', 'ho'))).toEqual([
      'a arrives',
      'b arrives',
      'b chat group:ubuntu hi',
      'b chat group:ubuntu ho',
    ]);
  });

  it('connects again who speaks after leaving, and ignores the leaving of strangers', () => {
    expect(stepsOf(leaves('x'), joins('a'), leaves('a'), leaves('a'), says('a', 'hi'))).toEqual([
      'a arrives',
      'a departs',
      'a arrives',
      'a chat group:ubuntu hi',
    ]);
  });

  it('sends what is addressed to the inbox as well, also of somebody away, and in any case of letters', () => {
    const steps = stepsOf(joins('Bob'), leaves('Bob'), says('a', 'bob, you there?'), says('a', 'Bob: hello'));
    expect(steps.slice(3)).toEqual([
      'a chat group:ubuntu bob, you there?',
      'a mention user:Bob bob, you there?',
      'a chat group:ubuntu Bob: hello',
      'a mention user:Bob Bob: hello',
    ]);
  });

  it('takes for addressed only a known nick before a colon or comma and a space', () => {
    const steps = stepsOf(joins('b'), says('a', 'c: hi'), says('a', 'b:x'), says('a', 'hi b: x'), says('a', ', what'));
    expect(steps.filter((step) => step.includes('mention'))).toEqual([]);
  });

  it('prefers the exact spelling where nicks differ only in case', () => {
    expect(stepsOf(joins('bob'), joins('Bob'), says('a', 'bob: hi'))).toContain('a mention user:bob bob: hi');
  });

  it('keeps the user through changes of nick, and tells the others', () => {
    expect(stepsOf(joins('e_'), renames('e_', 'e'), says('b', 'e: hi'), says('e', 'hi'), renames('e', 'e_'))).toEqual([
      'e_ arrives',
      'e_ nick group:ubuntu e',
      'b arrives',
      'b chat group:ubuntu e: hi',
      'b mention user:e_ e: hi',
      'e_ chat group:ubuntu hi',
      'e_ nick group:ubuntu e_',
    ]);
  });

  it('lets go whoever held a nick that somebody else takes', () => {
    expect(stepsOf(says('x', '1'), says('x_', '2'), renames('x_', 'x'), says('x', '3')).slice(4)).toEqual([
      'x departs',
      'x_ nick group:ubuntu x',
      'x_ chat group:ubuntu 3',
    ]);
  });

  it('takes a new person under a nick given up for somebody else while its first user is still here', () => {
    expect(stepsOf(says('a', '1'), renames('a', 'b'), says('a', '2'), says('b', '3')).slice(3)).toEqual([
      'a+n2 arrives',
      'a+n2 chat group:ubuntu 2',
      'a chat group:ubuntu 3',
    ]);
  });

  it('knows somebody who comes back under the first nick', () => {
    const steps = stepsOf(says('a', '1'), renames('a', 'b'), leaves('b'), joins('a'), says('c', 'b: hi'));
    expect(steps.slice(3)).toEqual(['a departs', 'a arrives', 'c arrives', 'c chat group:ubuntu b: hi']);
  });

  it('reconnects who joins without having been seen to leave', () => {
    expect(stepsOf(joins('a'), joins('a'))).toEqual(['a arrives', 'a departs', 'a arrives']);
  });

  it('keeps the runs on one database apart by a suffix', () => {
    const plan = planReplay(parseIrcLog(`${joins('b')}\n${says('a', 'b: hi')}`).events, '.run');
    expect(plan).toMatchObject({ group: 'group:ubuntu.run', users: ['b.run', 'a.run'] });
    expect(plan.steps.map(inShort)).toContain('a.run mention user:b.run b: hi');
  });

  it('plans nothing for an empty log', () => {
    expect(planReplay(parseIrcLog('').events)).toMatchObject({ users: [], steps: [] });
  });
});
