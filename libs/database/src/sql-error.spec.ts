import { NotConnected } from './not-connected.js';
import { classify, isPassing, type SqlErrorKind } from './sql-error.js';

const withCode = (code: string): Error => Object.assign(new Error('of PostgreSQL or the network'), { code });

describe('classify', () => {
  it.each<[SqlErrorKind, Error]>([
    ['refused', withCode('57P03')],
    ['refused', withCode('53300')],
    ['refused', withCode('53100')],
    ['refused', withCode('25006')],
    ['refused', withCode('0A000')],
    ['refused', withCode('57P05')],
    ['refused', withCode('58030')],
    ['refused', withCode('28P01')],
    ['refused', new NotConnected(withCode('ECONNREFUSED'))],
    ['refused', new NotConnected(withCode('ENOTFOUND'))],
    ['refused', new NotConnected(withCode('55000'))],
    ['refused', new NotConnected(withCode('42501'))],
    ['refused', new NotConnected(withCode('XX000'))],
    ['refused', new NotConnected(withCode('SELF_SIGNED_CERT_IN_CHAIN'))],
    ['refused', new NotConnected(new Error('Connection terminated due to connection timeout'))],
    ['refused', new NotConnected(new Error('timeout exceeded when trying to connect'))],
    ['unknown', withCode('57P01')],
    ['unknown', withCode('57P02')],
    ['unknown', withCode('ECONNRESET')],
    ['unknown', withCode('EPIPE')],
    ['unknown', new Error('Connection terminated unexpectedly')],
    ['unknown', new Error('Connection terminated')],
    ['unknown', new Error('Query read timeout')],
    ['unknown', new Error('Client has encountered a connection error and is not queryable')],
    ['unknown', Object.assign(withCode('XX000'), { severity: 'FATAL' })],
    ['conflict', withCode('25P03')],
    ['conflict', withCode('25P04')],
    ['conflict', withCode('40001')],
    ['conflict', withCode('40P01')],
    ['conflict', withCode('55P03')],
    ['conflict', withCode('57014')],
    ['data', withCode('22P05')],
    ['data', withCode('22021')],
    ['data', withCode('22P02')],
    ['data', withCode('54001')],
    ['bug', withCode('23505')],
    ['bug', withCode('23502')],
    ['bug', withCode('23514')],
    ['bug', withCode('42P01')],
    ['bug', Object.assign(withCode('XX000'), { severity: 'ERROR' })],
    ['bug', withCode('42601')],
    ['bug', new TypeError('undefined is not a function')],
  ])('takes as %s: %s', (kind, error) => {
    expect(classify(error)).toBe(kind);
  });

  it('takes anything but an Error as a bug', () => {
    for (const thrown of [undefined, null, 'ECONNREFUSED', { code: '40001' }]) expect(classify(thrown)).toBe('bug');
  });
});

describe('isPassing', () => {
  it('is true for what may go better later and false for what never will', () => {
    expect(['53300', '57P01', '40001', '22P02', '42P01'].map((code) => isPassing(withCode(code)))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
