/**
 * Where Node keeps compiled code between starts (`NODE_COMPILE_CACHE`), for processes that are started with an environment of their own: it
 * halves how long they take to start. Only `scripts/run.mjs` and `bin/coldseal` set it, in a clone; on a box nobody does, since who writes that folder decides what runs.
 */
export const compileCache: { readonly NODE_COMPILE_CACHE?: string } = process.env.NODE_COMPILE_CACHE
  ? { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }
  : {};
