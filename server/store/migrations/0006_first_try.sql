-- When a reply was first tried and refused for a reason of its own: giving up is counted from there. A
-- channel that was paused for days costs its messages none of their time.
ALTER TABLE outbox ADD COLUMN tried_at INTEGER;
