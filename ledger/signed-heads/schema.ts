/**
 * The tables of what a key has signed last. They let nothing go back: a trigger refuses a smaller tree, another root of the same size, a smaller
 * counter, and every deletion, whatever this process means to do.
 */

const tables = {
  /** which file this is (`identity.ts`), and how often it was written */
  file: `one INTEGER PRIMARY KEY CHECK (one = 1), counter INTEGER NOT NULL CHECK (counter >= 0), identity TEXT NOT NULL`,
  /** the newest tree of each log that was signed; `stopped` says why no more is signed until a person moves it forward */
  heads: `origin TEXT PRIMARY KEY, size INTEGER NOT NULL CHECK (size >= 0), root BLOB NOT NULL CHECK (length(root) = 32),
    note BLOB, stopped TEXT`,
} as const;

const refusing = (name: string, when: string, what: string) =>
  `CREATE TRIGGER ${name} BEFORE ${when} BEGIN SELECT RAISE(ABORT, '${what}'); END`;

/** Every statement that makes the file, in order; `database.ts` compares them with what a file holds. */
export const schema: readonly string[] = [
  ...Object.entries(tables).map(([name, columns]) => `CREATE TABLE ${name} (${columns}) STRICT`),
  refusing("file_stays", "DELETE ON file", "the file keeps its row"),
  refusing("file_counts_up", "UPDATE ON file WHEN NEW.counter < OLD.counter", "the counter never goes back"),
  refusing("heads_stay", "DELETE ON heads", "a tree that was signed is never forgotten"),
  refusing("heads_keep_origin", "UPDATE ON heads WHEN NEW.origin <> OLD.origin", "a tree belongs to one log"),
  refusing("heads_grow", "UPDATE ON heads WHEN NEW.size < OLD.size", "a signed tree never shrinks"),
  refusing(
    "heads_one_root",
    "UPDATE ON heads WHEN NEW.size = OLD.size AND NEW.root <> OLD.root",
    "a size that was signed has one root",
  ),
];
