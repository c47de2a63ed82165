import { ProtocolError } from './errors.js';

/*
 * These functions find where a value stands in JSON text that JSON.parse has accepted. Nothing is decoded, so numbers
 * and the order of keys stay what they are. `indexOf` skips strings, which make up most of a text.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const LARGE_E = 0x45;
const SMALL_E = 0x65;
const ZERO = 0x30;
const NINE = 0x39;
/** A double ends at 1.8e308, so a number with fewer digits and no exponent cannot go beyond it. */
const DIGITS_OF_A_DOUBLE = 309;

/** A value that is not stored may have any depth and any number of keys. */
const ANYTHING = { maxDepth: Infinity, maxKeys: Infinity };

export interface ScanLimits {
  readonly maxDepth: number;
  readonly maxKeys: number;
}

/**
 * Returns where the value that begins at `at` ends, exclusive.
 * @throws ProtocolError BODY_TOO_DEEP, BODY_TOO_WIDE, BAD_NUMBER, if there are limits
 */
export function endOfValue(json: string, at: number, limits: ScanLimits = ANYTHING): number {
  let depth = 0;
  let keys = 0;
  for (let here = at; here < json.length; here++) {
    const char = json.charCodeAt(here);
    if (char === COLON) {
      keys += 1;
      if (keys > limits.maxKeys) throw tooWide(limits);
    } else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      depth += 1;
      if (depth > limits.maxDepth) throw tooDeep(limits);
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth -= 1;
    else here = endOfScalar(json, here, char, limits) - 1;
    if (depth === 0) return here + 1;
  }
  return unreachable();
}

/** Returns where the string, number or word at `at` ends, exclusive; a comma or a space counts alone. */
function endOfScalar(json: string, at: number, char: number, limits: ScanLimits): number {
  if (char === QUOTE) return endOfString(json, at) + 1;
  if (char === MINUS || isDigit(char)) return endOfNumber(json, at, limits);
  return char > NINE ? endOfWord(json, at) : at + 1;
}

/**
 * Returns where the value of the object's last member of this name stands, because JSON.parse takes the last one, too;
 * undefined means that there is none. The object begins at `at`.
 */
export function findMember(
  json: string,
  at: number,
  name: string,
  limits: ScanLimits = ANYTHING,
): [from: number, to: number] | undefined {
  let found: [from: number, to: number] | undefined;
  for (let here = skipSpace(json, skipSpace(json, at) + 1); json.charCodeAt(here) === QUOTE;) {
    const keyEnd = endOfString(json, here) + 1;
    const isIt = isKey(json, here, keyEnd, name);
    const from = skipSpace(json, skipSpace(json, keyEnd) + 1);
    const to = endOfValue(json, from, isIt ? limits : ANYTHING);
    if (isIt) found = [from, to];
    here = nextItem(json, to);
  }
  return found;
}

/** Returns where each item of the array that begins at `at` begins. */
export function startsOfItems(json: string, at: number): number[] {
  const starts: number[] = [];
  let here = skipSpace(json, skipSpace(json, at) + 1);
  while (json.charCodeAt(here) !== CLOSE_BRACKET) {
    starts.push(here);
    here = nextItem(json, endOfValue(json, here));
  }
  return starts;
}

/** Returns where the second item of the array that begins at `at` begins. */
export function startOfSecondItem(json: string, at: number): number {
  return nextItem(json, endOfValue(json, skipSpace(json, skipSpace(json, at) + 1)));
}

/** Returns where the next member or item begins, or where the closing bracket stands if there is none. */
function nextItem(json: string, at: number): number {
  const end = skipSpace(json, at);
  return json.charCodeAt(end) === COMMA ? skipSpace(json, end + 1) : end;
}

/** Returns where the quote stands that ends the string beginning at `at`. */
function endOfString(json: string, at: number): number {
  let end = json.indexOf('"', at + 1);
  while (isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end === -1 ? unreachable() : end;
}

/** True if an odd number of backslashes stands before `at`. */
function isEscaped(json: string, at: number): boolean {
  let before = at;
  while (json.charCodeAt(before - 1) === BACKSLASH) before -= 1;
  return (at - before) % 2 === 1;
}

function endOfNumber(json: string, at: number, limits: ScanLimits): number {
  let end = at + 1;
  let hasExponent = false;
  for (let char = json.charCodeAt(end); isInNumber(char); char = json.charCodeAt(++end)) {
    if (char === SMALL_E || char === LARGE_E) hasExponent = true;
  }
  const isLong = hasExponent || end - at >= DIGITS_OF_A_DOUBLE;
  if (isLong && limits !== ANYTHING && !Number.isFinite(Number(json.slice(at, end)))) throw beyondDouble();
  return end;
}

function isDigit(char: number): boolean {
  return char >= ZERO && char <= NINE;
}

/** False for NaN, which stands for the end of the text. */
function isInNumber(char: number): boolean {
  return isDigit(char) || char === DOT || char === SMALL_E || char === LARGE_E || char === MINUS || char === PLUS;
}

/** Returns where the `true`, `false` or `null` at `at` ends, exclusive. */
function endOfWord(json: string, at: number): number {
  return at + (json.startsWith('false', at) ? 5 : 4);
}

function isKey(json: string, from: number, to: number, name: string): boolean {
  if (to - from === name.length + 2) return json.startsWith(name, from + 1);
  const text = json.slice(from, to);
  return text.includes('\\') && JSON.parse(text) === name;
}

/** Returns the first position, at `at` or behind it, that holds no space. */
function skipSpace(json: string, at: number): number {
  let here = at;
  while (json.charCodeAt(here) <= 0x20) here += 1;
  return here;
}

export function tooDeep({ maxDepth }: ScanLimits): ProtocolError {
  return new ProtocolError('BODY_TOO_DEEP', `data: nested deeper than ${maxDepth} levels`);
}

function tooWide({ maxKeys }: ScanLimits): ProtocolError {
  return new ProtocolError('BODY_TOO_WIDE', `data: more than ${maxKeys} keys`);
}

export function beyondDouble(): ProtocolError {
  return new ProtocolError(
    'BAD_NUMBER',
    'data: holds a number beyond what a double holds, about ±1.8e308; send it as a string',
  );
}

function unreachable(): never {
  throw new Error('the text was not read by JSON.parse first');
}
