/** The ledger's tables, in the subset of SQL that SQLite and PostgreSQL share: text ids, ISO 8601 times, JSON as text. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE study (
     study_instance_uid TEXT PRIMARY KEY,
     state TEXT NOT NULL,
     reason TEXT,
     source TEXT NOT NULL,
     traceparent TEXT,
     trace_id TEXT,
     revision INTEGER NOT NULL DEFAULT 1,
     attempts INTEGER NOT NULL DEFAULT 0,
     fence INTEGER NOT NULL DEFAULT 0,
     worker TEXT,
     noticed_at TEXT NOT NULL,
     changed_at TEXT NOT NULL,
     settled_at TEXT,
     accepted_at TEXT,
     retry_at TEXT,
     lease_until TEXT,
     arrived_again_at TEXT,
     timings TEXT NOT NULL DEFAULT '{}',
     not_read TEXT NOT NULL DEFAULT '[]'
   )`,
  'CREATE INDEX study_by_state ON study (state, changed_at)',
  `CREATE TABLE step (
     study_instance_uid TEXT NOT NULL REFERENCES study,
     number INTEGER NOT NULL,
     at TEXT NOT NULL,
     transition TEXT NOT NULL,
     state TEXT NOT NULL,
     reason TEXT,
     PRIMARY KEY (study_instance_uid, number)
   )`,
  `CREATE TABLE document (
     study_instance_uid TEXT NOT NULL REFERENCES study,
     name TEXT NOT NULL,
     bytes BLOB NOT NULL,
     PRIMARY KEY (study_instance_uid, name)
   )`,
  `CREATE TABLE source_state (
     source TEXT PRIMARY KEY,
     state TEXT NOT NULL
   )`,
  `ALTER TABLE study ADD COLUMN due_at TEXT;
   ALTER TABLE study ADD COLUMN arrived_at TEXT NOT NULL DEFAULT '';
   ALTER TABLE study ADD COLUMN hints TEXT NOT NULL DEFAULT '{}';
   ALTER TABLE study ADD COLUMN priority TEXT;
   ALTER TABLE study ADD COLUMN rule TEXT;
   ALTER TABLE study ADD COLUMN completeness TEXT;
   ALTER TABLE study ADD COLUMN results TEXT;
   UPDATE study SET arrived_at = noticed_at, due_at = accepted_at;
   CREATE INDEX study_by_due ON study (due_at, study_instance_uid) WHERE state IN ('accepted', 'failed');
   CREATE TABLE outgoing (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     event_id TEXT NOT NULL UNIQUE,
     event TEXT NOT NULL,
     taken_until TEXT,
     sent_at TEXT
   );
   CREATE INDEX outgoing_unsent ON outgoing (number) WHERE sent_at IS NULL`,
  `CREATE TABLE source_lease (
     source TEXT PRIMARY KEY,
     worker TEXT NOT NULL,
     lease_until TEXT NOT NULL
   )`,
];
