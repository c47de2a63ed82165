import { JsonText, toJson } from './json-text.js';

describe('toJson', () => {
  it('writes stored texts as they are, each in its place, and everything else as JSON.stringify does', () => {
    const answer = {
      ok: true,
      messages: [{ data: new JsonText('9007199254740993') }, { data: new JsonText('{ "b":1.0 }') }],
    };
    expect(toJson(answer)).toBe('{"ok":true,"messages":[{"data":9007199254740993},{"data":{ "b":1.0 }}]}');
    expect(toJson({ a: [1, 'x', null] })).toBe('{"a":[1,"x",null]}');
  });

  it('takes a text for nothing but text, whatever stands in it', () => {
    const text = JSON.stringify('$& $1 "0" \u2028');
    expect(toJson([new JsonText(text), new JsonText('"x:0"')])).toBe(`[${text},"x:0"]`);
  });

  it('leaves no trace when it fails', () => {
    const circular: unknown[] = [new JsonText('1')];
    circular.push(circular);
    expect(() => toJson(circular)).toThrow(TypeError);
    expect(JSON.stringify({ data: new JsonText('[1]') })).toBe('{"data":[1]}');
  });
});
