-- Colleagues who were called to a private note by their login.
CREATE TABLE mention (
  id INTEGER PRIMARY KEY,
  operator_id INTEGER NOT NULL REFERENCES operator (id), -- who was called
  message_id INTEGER NOT NULL REFERENCES message (id), -- the note
  seen_at INTEGER,
  UNIQUE (message_id, operator_id)
);
CREATE INDEX mention_unseen ON mention (operator_id, id) WHERE seen_at IS NULL;
