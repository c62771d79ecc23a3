/** What is made of an object, made once for as long as the object lives: lists and responses are asked again for each certificate of a bundle. */
export function keptFor<K extends object, V>(make: (from: K) => V): (from: K) => V {
  const made = new WeakMap<K, V>();
  return (from) => {
    const known = made.get(from);
    if (known !== undefined) return known;
    const value = make(from);
    made.set(from, value);
    return value;
  };
}
