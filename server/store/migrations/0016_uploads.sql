-- Files that an operator has put up to send with a reply that he is still writing.
CREATE TABLE upload (
  id INTEGER PRIMARY KEY,
  operator_id INTEGER NOT NULL REFERENCES operator (id),
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  name TEXT NOT NULL,
  content_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  at INTEGER NOT NULL
);
CREATE INDEX upload_at ON upload (at);
