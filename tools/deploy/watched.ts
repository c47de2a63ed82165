/**
 * Makes a copy of a value that notes which of its properties were read, all the way down. The validators that ajv
 * compiles ask for each property that a schema names, or walk over all properties where any are allowed. Therefore a
 * property that was never read is in no schema.
 */
export function watched<T extends object>(value: T): { readonly value: T; readonly unread: () => string[] } {
  const places: (() => string[])[] = [];
  return { value: watch(value, '', places), unread: () => places.flatMap((ask) => ask()) };
}

function watch<T extends object>(value: T, path: string, places: (() => string[])[]): T {
  const read = new Set<PropertyKey>();
  const children = new Map<PropertyKey, object>();
  const own = Array.isArray(value) ? [] : Object.keys(value);
  places.push(() => own.filter((key) => !read.has(key)).map((key) => `${path}/${key}`));
  return new Proxy(value, {
    get(target, key) {
      read.add(key);
      const inner: unknown = Reflect.get(target, key);
      if (typeof inner !== 'object' || inner === null || typeof key === 'symbol') return inner;
      const child = children.get(key) ?? watch(inner, `${path}/${key}`, places);
      children.set(key, child);
      return child;
    },
    ownKeys(target) {
      for (const key of own) read.add(key);
      return Reflect.ownKeys(target);
    },
  });
}
