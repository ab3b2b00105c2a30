-- What the server does, and when, about customers who fall silent; and how often a conversation was opened again.

CREATE TABLE silence (
  conversation_id INTEGER PRIMARY KEY REFERENCES conversation (id),
  since INTEGER NOT NULL, -- its terms run from here
  proposed INTEGER NOT NULL DEFAULT 0, -- another channel was proposed to the operator
  announced_id INTEGER REFERENCES message (id), -- that it will be closed
  announced_at INTEGER, -- when that had been sent; NULL: nobody knows that it arrived
  obstacle TEXT NOT NULL DEFAULT '', -- why it is not closed by itself
  step TEXT NOT NULL DEFAULT '' CHECK (step IN ('', 'propose', 'announce', 'close')),
  next_at INTEGER -- when that step is due
) WITHOUT ROWID;
CREATE INDEX silence_next ON silence (step, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX silence_announced ON silence (announced_id) WHERE announced_id IS NOT NULL;

ALTER TABLE conversation ADD COLUMN closed_why TEXT NOT NULL DEFAULT ''; -- silence: nobody closed it, a term was over
ALTER TABLE conversation ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0; -- how often, after it was closed

-- An answer given out of hours: when somebody is there again. At most one for each.
ALTER TABLE auto_answer ADD COLUMN opens_at INTEGER;
