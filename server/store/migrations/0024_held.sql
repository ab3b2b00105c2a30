-- Who holds how much, read off an index alone: asked after nearly every commit where there are teams.
CREATE INDEX conversation_held ON conversation (assignee_id, channel_id, state)
  WHERE state = 'open' AND assignee_id IS NOT NULL;
