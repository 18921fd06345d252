/**
 * The ledger's tables on PostgreSQL, in a schema of their own: the columns of the embedded ledger, with times and JSON as
 * text. Ids and times collate by code point, whatever the database's language, because they are compared as text.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE wetread.study (
     study_instance_uid TEXT COLLATE "C" PRIMARY KEY,
     state TEXT NOT NULL,
     reason TEXT,
     source TEXT NOT NULL,
     traceparent TEXT,
     trace_id TEXT,
     revision INTEGER NOT NULL,
     attempts INTEGER NOT NULL,
     fence INTEGER NOT NULL,
     worker TEXT,
     noticed_at TEXT COLLATE "C" NOT NULL,
     changed_at TEXT COLLATE "C" NOT NULL,
     settled_at TEXT COLLATE "C",
     accepted_at TEXT COLLATE "C",
     retry_at TEXT COLLATE "C",
     lease_until TEXT COLLATE "C",
     arrived_again_at TEXT COLLATE "C",
     timings TEXT NOT NULL,
     not_read TEXT NOT NULL
   );
   -- The two questions of a claim touch the studies that are not final, however many others there are.
   CREATE INDEX study_moving ON wetread.study (state) WHERE state IN ('settling', 'reading', 'drafted');
   CREATE INDEX study_waiting ON wetread.study (accepted_at, study_instance_uid) WHERE state IN ('accepted', 'failed');
   CREATE TABLE wetread.step (
     study_instance_uid TEXT COLLATE "C" NOT NULL REFERENCES wetread.study,
     number INTEGER NOT NULL,
     at TEXT NOT NULL,
     transition TEXT NOT NULL,
     state TEXT NOT NULL,
     reason TEXT,
     PRIMARY KEY (study_instance_uid, number)
   );
   CREATE TABLE wetread.document (
     study_instance_uid TEXT COLLATE "C" NOT NULL REFERENCES wetread.study,
     name TEXT NOT NULL,
     bytes BYTEA NOT NULL,
     PRIMARY KEY (study_instance_uid, name)
   );
   CREATE TABLE wetread.source_state (
     source TEXT PRIMARY KEY,
     state TEXT NOT NULL
   )`,
  `ALTER TABLE wetread.study
     ADD COLUMN due_at TEXT COLLATE "C",
     ADD COLUMN arrived_at TEXT COLLATE "C" NOT NULL DEFAULT '',
     ADD COLUMN hints TEXT NOT NULL DEFAULT '{}',
     ADD COLUMN priority TEXT,
     ADD COLUMN rule TEXT,
     ADD COLUMN completeness TEXT,
     ADD COLUMN results TEXT;
   UPDATE wetread.study SET arrived_at = noticed_at, due_at = accepted_at;
   DROP INDEX wetread.study_moving;
   DROP INDEX wetread.study_waiting;
   CREATE INDEX study_moving ON wetread.study (state) WHERE state IN ('settling', 'triaging', 'reading', 'drafted');
   CREATE INDEX study_waiting ON wetread.study (due_at, study_instance_uid) WHERE state IN ('accepted', 'failed');
   CREATE TABLE wetread.outgoing (
     number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     event_id TEXT COLLATE "C" NOT NULL UNIQUE,
     event TEXT NOT NULL,
     taken_until TEXT COLLATE "C",
     sent_at TEXT COLLATE "C"
   );
   CREATE INDEX outgoing_unsent ON wetread.outgoing (number) WHERE sent_at IS NULL`,
  `CREATE TABLE wetread.source_lease (
     source TEXT PRIMARY KEY,
     worker TEXT NOT NULL,
     lease_until TEXT COLLATE "C" NOT NULL
   )`,
];
