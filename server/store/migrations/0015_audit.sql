-- The chain over the event log: one row a commit, with the range of the events that it brought.
CREATE TABLE audit (
  last INTEGER PRIMARY KEY, -- seq of the newest event of the range
  first INTEGER NOT NULL, -- 0: what was there before there was a chain
  digest BLOB NOT NULL
);
INSERT INTO audit (last, first, digest) SELECT max(seq), 0, zeroblob(32) FROM event HAVING max(seq) IS NOT NULL;

-- Which files are still named by somebody.
CREATE INDEX attachment_file ON attachment (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX journal_file ON journal (raw_sha256) WHERE raw_sha256 IS NOT NULL;

-- Who was erased: cards and when, never who it was. It is applied to every older backup that is restored.
CREATE TABLE erasure (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  operator_id INTEGER REFERENCES operator (id),
  cards TEXT NOT NULL, -- JSON: [[customer id, created_at]]
  counts TEXT NOT NULL, -- JSON: rows by table
  files TEXT NOT NULL DEFAULT '[]', -- JSON: SHA-256 of files that are to go
  finished_at INTEGER -- files, words of the indexes and the write-ahead log are clean; NULL: not yet
);
