const LEAST_LENGTH = 32;
const LEAST_VARIETY = 8;

/** Says why a text is no secret to sign tokens with, or undefined if it is one. */
export function jwtSecretFault(text: string): string | undefined {
  if (text.length < LEAST_LENGTH) return `must have at least ${LEAST_LENGTH} characters`;
  if (isKeyFile(text)) return 'is a key file, must be a secret that only this server and the issuer of tokens know';
  if (isGuessable(text)) return 'is too easy to guess, must be random: openssl rand -base64 48';
  return undefined;
}

/** HS256 takes any text for its secret, even a public key, which everybody knows. */
function isKeyFile(text: string): boolean {
  return /-----BEGIN |^\s*ssh-|"kty"/.test(text);
}

/** A text is guessable if it has few different characters, or repeats one short text. */
function isGuessable(text: string): boolean {
  return new Set(text).size < LEAST_VARIETY || `${text}${text}`.indexOf(text, 1) < text.length;
}
