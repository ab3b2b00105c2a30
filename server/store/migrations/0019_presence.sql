-- Who takes new work, who has which conversation since when and why, and the queue channel by channel.

CREATE TABLE presence (
  operator_id INTEGER PRIMARY KEY REFERENCES operator (id),
  state TEXT NOT NULL CHECK (state IN ('available', 'pause', 'away', 'offline')),
  back_to TEXT NOT NULL DEFAULT '', -- his console was lost: how he is again when it comes back
  since INTEGER NOT NULL,
  seq INTEGER NOT NULL, -- of the event that told it
  turn INTEGER NOT NULL DEFAULT 0 -- of the event by which he was last given work by rules
);

ALTER TABLE conversation ADD COLUMN assigned_seq INTEGER NOT NULL DEFAULT 0; -- of the event by which it has its operator, or none
ALTER TABLE conversation ADD COLUMN assigned_why TEXT NOT NULL DEFAULT ''; -- the rule by which that is so
ALTER TABLE conversation ADD COLUMN given_from INTEGER REFERENCES operator (id); -- who had it before it was handed over
ALTER TABLE conversation ADD COLUMN decline_until INTEGER; -- until then its operator may decline it

CREATE INDEX conversation_unassigned ON conversation (channel_id, priority, sort_at, id)
  WHERE state = 'open' AND assignee_id IS NULL;
