-- What is noted of a case: why it is urgent, what a colleague did last, and what is kept apart as spam.

ALTER TABLE conversation ADD COLUMN priority_why TEXT NOT NULL DEFAULT ''; -- the rule that raised it
ALTER TABLE conversation ADD COLUMN priority_by INTEGER REFERENCES operator (id); -- his choice: no rule changes it
ALTER TABLE conversation ADD COLUMN acted TEXT NOT NULL DEFAULT ''; -- what a colleague did last
ALTER TABLE conversation ADD COLUMN acted_by INTEGER REFERENCES operator (id);
ALTER TABLE conversation ADD COLUMN acted_at INTEGER;
ALTER TABLE conversation ADD COLUMN spell_from INTEGER NOT NULL DEFAULT 0; -- this spell's messages have higher ids

ALTER TABLE conversation ADD COLUMN due INTEGER NOT NULL DEFAULT 0; -- due_at has passed, and consoles know
DROP INDEX conversation_due;
CREATE INDEX conversation_due ON conversation (due_at) WHERE due_at IS NOT NULL AND due = 0 AND state != 'closed';
CREATE INDEX conversation_overdue ON conversation (assignee_id) WHERE due = 1 AND state != 'closed';

-- A conversation kept apart as spam, and how it was before.
CREATE TABLE spam_mark (
  id INTEGER PRIMARY KEY,
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  at INTEGER NOT NULL,
  seq INTEGER NOT NULL, -- of the event that set it apart
  operator_id INTEGER REFERENCES operator (id), -- NULL: it came from an address that was barred already
  before TEXT NOT NULL, -- JSON: state, assignee and times
  lifted_at INTEGER,
  lifted_by INTEGER REFERENCES operator (id)
);
CREATE UNIQUE INDEX spam_mark_live ON spam_mark (conversation_id) WHERE lifted_at IS NULL;

-- An address is barred as long as a mark that is not lifted names it.
CREATE TABLE spam_address (
  address_id INTEGER NOT NULL REFERENCES address (id),
  mark_id INTEGER NOT NULL REFERENCES spam_mark (id),
  PRIMARY KEY (address_id, mark_id)
) WITHOUT ROWID;
