import { createHmac, generateKeyPairSync, sign as signWith } from 'node:crypto';
import { JWT_SECRET } from '../support/server.js';
import { knock } from '../security/attacker.js';
import { SECRET_TEXT, Target } from '../security/target.js';

/** The rows come faster than an address may show wrong tokens, so these limits are off. */
const NO_HURRY = { MAX_REFUSED_TOKENS_PER_S_PER_ADDRESS: '0', SUSPICIONS_PER_MINUTE: '0' };
const NOW = Math.floor(Date.now() / 1_000);
const CLAIMS = { sub: 'mallory', exp: NOW + 600, note: SECRET_TEXT };
const HEADER = { alg: 'HS256', typ: 'JWT' };

let target: Target;

beforeAll(async () => {
  target = await Target.start(NO_HURRY);
});
afterAll(() => target?.end());

const encode = (part: unknown): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

/** Makes a token by hand, as no library would. Strings are encoded as they are. */
function token(claims: unknown = CLAIMS, header: unknown = HEADER, secret: string = JWT_SECRET): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const good = token();
const [head = '', body = '', signature = ''] = good.split('.');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();

function signedByMallory(): string {
  const jwk = rsa.publicKey.export({ format: 'jwk' });
  const text = `${encode({ ...HEADER, alg: 'RS256', jwk })}.${body}`;
  return `${text}.${signWith('sha256', Buffer.from(text), rsa.privateKey).toString('base64url')}`;
}

/**
 * Changes the last bits of a signature. The last character of 32 bytes carries four bits, and two that must be zero.
 */
function withOtherLastBits(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const index = alphabet.indexOf(text.at(-1) ?? '');
  return text.slice(0, -1) + (alphabet[index ^ 1] ?? '');
}

const ALGORITHMS: [string, string][] = [
  '',
  'nOnE',
  'None',
  'none\0',
  'hs256',
  'HS256 ',
  'HS384',
  'HS512',
  'RS256',
  'PS256',
  'ES256',
  'EdDSA',
  'dir',
  '__proto__',
].map((alg): [string, string] => [`that says its alg is ${JSON.stringify(alg)}`, token(CLAIMS, { ...HEADER, alg })]);

const REFUSED: [string, string][] = [
  ...ALGORITHMS,
  ['that says its alg is null', token(CLAIMS, { ...HEADER, alg: null })],
  ['that says its alg is a list', token(CLAIMS, { ...HEADER, alg: ['HS256'] })],
  ['without an alg', token(CLAIMS, { typ: 'JWT' })],
  ['whose header is a list', token(CLAIMS, [HEADER])],
  ['whose header is null', token(CLAIMS, 'null')],
  ['whose header is no JSON', token(CLAIMS, '{"alg":"HS256"')],
  ['with crit', token(CLAIMS, { ...HEADER, crit: ['exp'], exp: 1 })],
  ['with a crit nobody knows', token(CLAIMS, { ...HEADER, crit: ['http://evil.example/x'] })],
  ['with an empty crit', token(CLAIMS, { ...HEADER, crit: [] })],
  ['with b64', token(CLAIMS, { ...HEADER, b64: false, crit: ['b64'] })],
  ['with b64 and without crit', token(CLAIMS, { ...HEADER, b64: false })],
  ['signed with an empty secret', token(CLAIMS, HEADER, '')],
  ['signed with a file that kid names', token(CLAIMS, { ...HEADER, kid: '../../../../dev/null' }, '')],
  ['signed with what kid selects', token(CLAIMS, { ...HEADER, kid: "x' union select 'mine" }, 'mine')],
  ['signed with a key at jku', token(CLAIMS, { ...HEADER, jku: 'http://127.0.0.1:9/keys' }, 'mine')],
  ['signed with a key at x5u', token(CLAIMS, { ...HEADER, x5u: 'http://127.0.0.1:9/cert' }, 'mine')],
  ['signed with the key it brings', token(CLAIMS, { ...HEADER, jwk: { kty: 'oct', k: encode('mine') } }, 'mine')],
  ['signed with the RSA key it brings', signedByMallory()],
  ['signed with a public key as a secret', token(CLAIMS, HEADER, publicPem)],
  ['of two parts', `${head}.${body}`],
  ['of two parts and a dot', `${head}.${body}.`],
  ['of four parts', `${good}.${signature}`],
  ['of five parts', `${head}.${signature}.${signature}.${body}.${signature}`],
  ['of dots', '..'],
  ['without a header', `.${body}.${signature}`],
  ['without claims', `${head}..${signature}`],
  ['whose signature has =', `${good}=`],
  ['whose header has =', `${head}=.${body}.${signature}`],
  ['with a space before it', ` ${good}`],
  ['with a line end behind it', `${good}\n`],
  ['with a space in its signature', `${head}.${body}.${signature.slice(0, 9)} ${signature.slice(9)}`],
  ['with \\0 in its signature', `${head}.${body}.${signature.slice(0, 9)}\0${signature.slice(9)}`],
  ['whose signature ends in other bits', `${head}.${body}.${withOtherLastBits(signature)}`],
  ['whose signature is cut short', good.slice(0, -4)],
  ['whose signature goes on', `${good}AAAA`],
  ['whose claims were changed', `${head}.${encode({ ...CLAIMS, sub: 'canary' })}.${signature}`],
  ['as a header would show it', `Bearer ${good}`],
  ['whose claims are a list', token([CLAIMS])],
  ['whose claims are null', token('null')],
  ['whose claims are a string', token(JSON.stringify('mallory'))],
  ['whose claims are no JSON', token('{"sub":"mallory"')],
  ['whose sub is a number', token({ ...CLAIMS, sub: 7 })],
  ['whose sub is empty', token({ ...CLAIMS, sub: '' })],
  ['whose sub is a list', token({ ...CLAIMS, sub: ['mallory'] })],
  ['whose sub has 201 characters', token({ ...CLAIMS, sub: 'x'.repeat(201) })],
  ['whose sub has \\0', token({ ...CLAIMS, sub: 'mallory\0' })],
  ['whose sub has half a surrogate pair', token(`{"sub":"a\\ud800","exp":${NOW + 600}}`)],
  ['whose sub stands in __proto__', token(`{"__proto__":{"sub":"canary"},"exp":${NOW + 600}}`)],
  ['whose exp is null', token({ ...CLAIMS, exp: null })],
  ['whose exp is true', token({ ...CLAIMS, exp: true })],
  ['whose exp is a string', token({ ...CLAIMS, exp: 'Infinity' })],
  ['whose exp is beyond all numbers', token(`{"sub":"mallory","exp":1e400}`)],
  ['whose exp is an object', token({ ...CLAIMS, exp: { valueOf: 9e9 } })],
  ['whose nbf is a string', token({ ...CLAIMS, nbf: '0' })],
  ['whose iat is a list', token({ ...CLAIMS, iat: [0] })],
  ['whose grants are a string', token({ ...CLAIMS, grants: 'publish:*' })],
  ['whose grants are an object', token({ ...CLAIMS, grants: { 0: 'publish:*' } })],
  ['whose grants are null', token({ ...CLAIMS, grants: null })],
  ['with a grant that is a number', token({ ...CLAIMS, grants: [7] })],
  ['with a grant of everything', token({ ...CLAIMS, grants: ['*'] })],
  ['with a grant of no pattern', token({ ...CLAIMS, grants: ['publish'] })],
  ['with a grant nobody knows', token({ ...CLAIMS, grants: ['admin:*'] })],
  ['with 101 grants', token({ ...CLAIMS, grants: Array<string>(101).fill('publish:user:a') })],
];

it.each(REFUSED)('a token %s is refused', async (_, forged) => {
  const refusal = await target.survives(() => knock(target.server.url, { auth: { token: forged } }));
  expect(refusal).toMatchObject({ code: 2002, retryable: false });
  expect(JSON.stringify(refusal)).not.toContain(SECRET_TEXT);
});

it.each([
  ['kid', token(CLAIMS, { ...HEADER, kid: '1' })],
  ['typ', token(CLAIMS, { alg: 'HS256', typ: 'at+jwt' })],
  ['a jku that nobody follows', token(CLAIMS, { ...HEADER, jku: 'http://127.0.0.1:9/keys' })],
  ['claims of its own', token({ ...CLAIMS, deep: JSON.parse('['.repeat(500) + ']'.repeat(500)) as unknown })],
])('a good token with %s is let in', async (_, allowed) => {
  expect(await target.survives(() => knock(target.server.url, { auth: { token: allowed } }))).toMatchObject({
    user: 'mallory',
  });
});
