-- untried: no try of it was ever begun, so that it can be taken back. before: the life that its conversation
-- had, as JSON of ids and times, for whoever takes it back.
ALTER TABLE outbox ADD COLUMN untried INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN before TEXT;

-- Answers that are to leave later. Such a message is not said yet: it gets its row in outbox when it leaves.
CREATE TABLE scheduled (
  message_id INTEGER PRIMARY KEY REFERENCES message (id),
  channel_id TEXT NOT NULL,
  thread TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  keep INTEGER NOT NULL, -- 1: it goes even though the customer writes before
  created_at INTEGER NOT NULL
);
CREATE INDEX scheduled_due ON scheduled (due_at);

-- Files put up for what is being written: JSON list of numbers.
ALTER TABLE draft ADD COLUMN upload_ids TEXT NOT NULL DEFAULT '[]';
