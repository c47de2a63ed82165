import { z } from 'zod';

/** Gives the value that another setting has in the same environment. */
export type Read = <T>(setting: Setting<T>) => T;

interface Facts {
  /** The meaning of the setting, for docs/configuration.md. */
  readonly doc?: string;
  /** A setting without a default is undefined unless its variable is set, or says in `as` what it is otherwise. */
  readonly default?: string | number | readonly string[];
  /** A wrong value of a secret is not repeated in the error. */
  readonly isSecret?: true;
  readonly isRequiredInProduction?: true;
}

/** Something that an operator can set: a variable of the environment, its type, and its value in the code. */
export class Setting<T> {
  constructor(
    readonly variable: string,
    private readonly type: z.ZodType,
    readonly facts: Facts,
    private readonly convert: (given: unknown, read: Read) => T,
  ) {}

  /** The same setting with a value that is made of the one in the environment, and perhaps of other settings. */
  as<U>(convert: (value: T, read: Read) => U): Setting<U> {
    return new Setting(this.variable, this.type, this.facts, (given, read) => convert(this.convert(given, read), read));
  }

  /**
   * The value for a text of the environment, where undefined means that the variable is not set.
   * @throws WrongSetting when the text is not allowed
   */
  parse(text: string | undefined, read: Read): T {
    if (text === undefined) return this.convert(this.facts.default, read);
    const { success, data, error } = this.type.safeParse(text);
    if (success) return this.convert(data, read);
    const shown = this.facts.isSecret ? '' : ` is ${JSON.stringify(text.slice(0, 60))},`;
    const fault = error.issues[0]?.message ?? 'is wrong';
    throw new WrongSetting(`${this.variable}${shown} ${fault}`.replace(/\s+/g, ' '));
  }

  /** The texts that are allowed, or undefined if they are not a fixed few. */
  get choices(): readonly string[] | undefined {
    return this.type instanceof z.ZodEnum ? this.type.options.map(String) : undefined;
  }
}

/** The message is one line that names the variable and says what is wrong and what is allowed. */
export class WrongSetting extends Error {
  override readonly name = 'WrongSetting';
}

/** Declares a setting. Without a default its value may be undefined. */
export function setting<V>(
  variable: string,
  type: z.ZodType<V, string>,
  facts: Facts & { readonly default: NoInfer<V> },
): Setting<V>;
export function setting<V>(
  variable: string,
  type: z.ZodType<V, string>,
  facts: Omit<Facts, 'default'>,
): Setting<V | undefined>;
export function setting<V>(variable: string, type: z.ZodType<V, string>, facts: Facts): Setting<V> {
  return new Setting(variable, type, facts, (given) => given as V);
}
