/** Migrations in order; the database's `user_version` counts those applied. Never change one that was released. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE resource (
    sequence INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    last_updated TEXT NOT NULL,
    -- JSON; null once deleted
    body TEXT,
    UNIQUE (type, id)
  ) STRICT;
  CREATE TABLE version (
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    last_updated TEXT NOT NULL,
    body TEXT,
    PRIMARY KEY (type, id, version)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE search_token (
    sequence INTEGER NOT NULL REFERENCES resource (sequence),
    parameter TEXT NOT NULL,
    -- code system, identifier system, or the type that a reference points at
    system TEXT NOT NULL,
    value TEXT NOT NULL
  ) STRICT;
  CREATE INDEX search_token_value ON search_token (parameter, value);
  CREATE INDEX search_token_sequence ON search_token (sequence)`,
];
