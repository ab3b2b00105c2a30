-- What is asked over and over reads the few rows that matter, also at a million messages.

-- conversation_mine_open serves everybody's own list and nobody's, the queue; closed ones are not in it.
DROP INDEX conversation_mine;
DROP INDEX conversation_queue;
CREATE INDEX conversation_resting ON conversation (assignee_id, sort_at DESC, id DESC)
  WHERE state IN ('waiting', 'snoozed');
-- Of somebody who has written for years: his one open conversation, and the one closed last.
CREATE INDEX conversation_live ON conversation (customer_id) WHERE state != 'closed';
CREATE INDEX conversation_ended ON conversation (customer_id, closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE channel_life (
  channel_id TEXT PRIMARY KEY,
  last_in_at INTEGER,
  last_out_at INTEGER
) WITHOUT ROWID;
INSERT INTO channel_life (channel_id, last_in_at)
  SELECT channel_id, max(received_at) FROM journal GROUP BY channel_id;
INSERT INTO channel_life (channel_id, last_out_at)
  SELECT o.channel_id, max(m.received_at) FROM outbox o JOIN message m ON m.id = o.message_id
  WHERE o.state = 'sent' GROUP BY o.channel_id
  ON CONFLICT (channel_id) DO UPDATE SET last_out_at = excluded.last_out_at;
