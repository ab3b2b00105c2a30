-- Deadlines of replies and resolutions, and the states they are computed from.

-- What the event log said of states, kept for as long as the conversation is.
CREATE TABLE state_change (
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  seq INTEGER NOT NULL, -- of the event
  at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'waiting', 'snoozed', 'closed')),
  cause TEXT NOT NULL DEFAULT '', -- failed: an answer did not arrive; apart: set apart as spam
  PRIMARY KEY (conversation_id, seq)
) WITHOUT ROWID;

CREATE TABLE deadline (
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  kind TEXT NOT NULL CHECK (kind IN ('first_reply', 'next_reply', 'resolution')),
  since INTEGER NOT NULL,
  target_ms INTEGER NOT NULL, -- business time
  status TEXT NOT NULL CHECK (status IN ('running', 'paused', 'done', 'dropped')),
  due_at INTEGER, -- while it runs; NULL: there are no hours
  warn_at INTEGER,
  ended_at INTEGER,
  spent_ms INTEGER, -- business time; NULL: it runs, or there are no hours
  warned_at INTEGER, -- when it was told that three quarters are gone
  late_at INTEGER, -- when it was told that all is gone
  next_at INTEGER, -- when there is something to tell
  PRIMARY KEY (conversation_id, kind, since)
) WITHOUT ROWID;
CREATE INDEX deadline_next ON deadline (next_at) WHERE next_at IS NOT NULL;

-- The nearest one that runs, for the lists.
ALTER TABLE conversation ADD COLUMN deadline_at INTEGER;
ALTER TABLE conversation ADD COLUMN deadline_kind TEXT NOT NULL DEFAULT '';
ALTER TABLE conversation ADD COLUMN deadline_level INTEGER NOT NULL DEFAULT 0; -- 0 running, 1 at risk, 2 late
CREATE INDEX conversation_pressing ON conversation (assignee_id, deadline_level) WHERE deadline_level > 0;
CREATE INDEX conversation_deadline ON conversation (assignee_id, deadline_at)
  WHERE deadline_at IS NOT NULL AND state = 'open';
