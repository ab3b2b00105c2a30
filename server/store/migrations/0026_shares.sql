-- A role more. SQLite changes no CHECK: the column is made anew, and the roles are checked where they are typed.
ALTER TABLE operator ADD COLUMN new_role TEXT NOT NULL DEFAULT 'reader';
UPDATE operator SET new_role = role;
ALTER TABLE operator DROP COLUMN role;
ALTER TABLE operator RENAME COLUMN new_role TO role;

-- Conversations that collaborators of other departments may see.
CREATE TABLE share (
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  operator_id INTEGER NOT NULL REFERENCES operator (id), -- with whom
  by_id INTEGER NOT NULL REFERENCES operator (id),
  at INTEGER NOT NULL,
  PRIMARY KEY (conversation_id, operator_id)
) WITHOUT ROWID;
CREATE INDEX share_of_operator ON share (operator_id, conversation_id);
