-- The chain over the event log: one row a commit, with the range of the events that it brought.
CREATE TABLE audit (
  last INTEGER PRIMARY KEY, -- seq of the newest event of the range
  first INTEGER NOT NULL, -- 0: what was there before there was a chain
  digest BLOB NOT NULL
);
INSERT INTO audit (last, first, digest) SELECT max(seq), 0, zeroblob(32) FROM event HAVING max(seq) IS NOT NULL;

-- Who was erased: cards and when, never who it was. It is applied to every older backup that is restored.
CREATE TABLE erasure (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  operator_id INTEGER REFERENCES operator (id),
  cards TEXT NOT NULL, -- JSON: [[customer id, created_at]]
  counts TEXT NOT NULL -- JSON: rows by table
);
