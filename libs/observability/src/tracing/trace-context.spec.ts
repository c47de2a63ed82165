import { isSampled, readContext, sampledContextOf, writeContext } from './trace-context.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`;

describe('Trace context', () => {
  it('is read and written as W3C has it', () => {
    const context = readContext({ traceparent: TRACEPARENT, tracestate: 'vendor=1,other=2' });
    expect(context).toMatchObject({ traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true });
    expect(context && writeContext(context)).toEqual({ traceparent: TRACEPARENT, tracestate: 'vendor=1,other=2' });
    expect(context && isSampled(context)).toBe(true);
    const unsampled = readContext({ traceparent: `00-${TRACE}-${SPAN}-00` });
    expect(unsampled && isSampled(unsampled)).toBe(false);
  });

  it('of a later version is read as far as it is known', () => {
    expect(readContext({ traceparent: `01-${TRACE}-${SPAN}-01-more` })).toMatchObject({ traceId: TRACE });
  });

  it.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['words', 'hello'],
    ['capitals', TRACEPARENT.toUpperCase()],
    ['the version that will never be', `ff-${TRACE}-${SPAN}-01`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['more than version 00 has', `${TRACEPARENT}-more`],
    ['a part too short', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['something around it', ` ${TRACEPARENT}\n`],
  ])('is not %s, which is ignored', (_, traceparent) => {
    expect(readContext({ traceparent })).toBeUndefined();
  });

  it('goes without a state that is too long', () => {
    const context = readContext({ traceparent: TRACEPARENT, tracestate: `a=${'x'.repeat(600)}` });
    expect(context && writeContext(context)).toEqual({ traceparent: TRACEPARENT });
  });

  it('is found in metadata only where somebody records it', () => {
    expect(sampledContextOf(null)).toBeUndefined();
    expect(sampledContextOf('{"a": "b"}')).toBeUndefined();
    expect(sampledContextOf('{"a": "\\"traceparent\\""}')).toBeUndefined();
    expect(sampledContextOf('{"traceparent": "nonsense"}')).toBeUndefined();
    expect(sampledContextOf(JSON.stringify({ traceparent: `00-${TRACE}-${SPAN}-00` }))).toBeUndefined();
    expect(sampledContextOf(JSON.stringify({ traceparent: TRACEPARENT, a: 'b' }))).toMatchObject({ spanId: SPAN });
  });
});
