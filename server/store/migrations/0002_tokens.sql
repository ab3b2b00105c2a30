-- Tokens with which programs and distant consoles speak for an operator over TCP.
CREATE TABLE token (
  id INTEGER PRIMARY KEY,
  operator_id INTEGER NOT NULL REFERENCES operator (id),
  name TEXT NOT NULL,
  scope TEXT NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
  digest BLOB NOT NULL, -- SHA-256 of the secret; the secret itself is nowhere
  created_at INTEGER NOT NULL,
  expires_at INTEGER, -- NULL: never
  last_used_at INTEGER, -- to the minute
  revoked_at INTEGER -- a revoked row stays, so that its number is never given out again
);
CREATE INDEX token_of_operator ON token (operator_id);
