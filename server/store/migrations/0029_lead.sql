-- Hand-overs as figures, the team that somebody handed a conversation to, and the queue's length by channel.

ALTER TABLE conversation ADD COLUMN team TEXT NOT NULL DEFAULT ''; -- it was handed to; '': as its channel says
ALTER TABLE conversation ADD COLUMN given_transfer INTEGER; -- that its operator, or the team, may decline
ALTER TABLE conversation ADD COLUMN transfers INTEGER NOT NULL DEFAULT 0; -- hand-overs that nobody declined

CREATE TABLE transfer (
  id INTEGER PRIMARY KEY,
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  at INTEGER NOT NULL,
  by_operator INTEGER NOT NULL REFERENCES operator (id),
  from_operator INTEGER REFERENCES operator (id), -- NULL: it was in the queue
  to_operator INTEGER REFERENCES operator (id), -- NULL: to a team's queue
  from_team TEXT NOT NULL, -- '': none
  to_team TEXT NOT NULL,
  team_before TEXT NOT NULL, -- conversation.team as it was: there it goes back to when it is declined
  declined_at INTEGER
);
CREATE INDEX transfer_of_conversation ON transfer (conversation_id, id);
CREATE INDEX transfer_at ON transfer (at, declined_at, from_team, to_team);

-- Closed lately, with how many hand-overs; read off the index alone.
CREATE INDEX conversation_finished ON conversation (closed_at, transfers, state, spam, joined_into)
  WHERE state = 'closed' AND spam = 0 AND joined_into IS NULL;
-- What presses, whoever has it; and promises that are broken.
CREATE INDEX conversation_pressed ON conversation (deadline_level, deadline_at) WHERE deadline_level > 0;
CREATE INDEX conversation_broken ON conversation (due_at) WHERE due = 1 AND state != 'closed';
-- What was handed to a team and nobody has.
CREATE INDEX conversation_handed ON conversation (team, channel_id, priority, sort_at, id)
  WHERE state = 'open' AND assignee_id IS NULL AND team != '';

-- How long the queue of each channel is, and of each team that work was handed to.
CREATE TABLE queue_length (
  channel_id TEXT NOT NULL,
  team TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (channel_id, team)
) WITHOUT ROWID;
INSERT INTO queue_length (channel_id, team, n)
  SELECT channel_id, '', count(*) FROM conversation WHERE state = 'open' AND assignee_id IS NULL GROUP BY channel_id;
CREATE TRIGGER queue_length_new AFTER INSERT ON conversation
WHEN NEW.state = 'open' AND NEW.assignee_id IS NULL BEGIN
  INSERT INTO queue_length (channel_id, team, n) VALUES (NEW.channel_id, NEW.team, 1)
    ON CONFLICT (channel_id, team) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER queue_length_left AFTER UPDATE OF state, assignee_id, channel_id, team ON conversation
WHEN OLD.state = 'open' AND OLD.assignee_id IS NULL AND (NEW.state != 'open' OR NEW.assignee_id IS NOT NULL
  OR NEW.channel_id != OLD.channel_id OR NEW.team != OLD.team) BEGIN
  UPDATE queue_length SET n = n - 1 WHERE channel_id = OLD.channel_id AND team = OLD.team;
END;
CREATE TRIGGER queue_length_came AFTER UPDATE OF state, assignee_id, channel_id, team ON conversation
WHEN NEW.state = 'open' AND NEW.assignee_id IS NULL AND (OLD.state != 'open' OR OLD.assignee_id IS NOT NULL
  OR NEW.channel_id != OLD.channel_id OR NEW.team != OLD.team) BEGIN
  INSERT INTO queue_length (channel_id, team, n) VALUES (NEW.channel_id, NEW.team, 1)
    ON CONFLICT (channel_id, team) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER queue_length_erased AFTER DELETE ON conversation
WHEN OLD.state = 'open' AND OLD.assignee_id IS NULL BEGIN
  UPDATE queue_length SET n = n - 1 WHERE channel_id = OLD.channel_id AND team = OLD.team;
END;
