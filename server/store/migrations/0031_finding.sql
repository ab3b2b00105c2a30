-- What a search by qualifiers alone reads, newest first. Partial: what customers write costs nothing more.
CREATE INDEX message_carrying ON message (search_id) WHERE files > 0;
CREATE INDEX message_noted ON message (search_id) WHERE kind = 'note';
-- "+ 0": for this question alone. Whoever asks about a conversation's operator would be led astray by it.
CREATE INDEX message_by_operator ON message (operator_id + 0, search_id) WHERE operator_id IS NOT NULL;

-- Filters of lists, kept under a name: one operator's own, or everybody's.
CREATE TABLE saved_view (
  id INTEGER PRIMARY KEY,
  operator_id INTEGER NOT NULL REFERENCES operator (id), -- who made it
  name TEXT NOT NULL,
  base TEXT NOT NULL, -- the list that is filtered
  filter TEXT NOT NULL, -- as it was typed
  shared INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX saved_view_own ON saved_view (operator_id, name) WHERE shared = 0;
CREATE UNIQUE INDEX saved_view_shared ON saved_view (name) WHERE shared = 1;
