-- What an operator did with a conversation lately, so that he can take it back.
CREATE TABLE deed (
  seq INTEGER PRIMARY KEY, -- the conversation's newest event when it was done
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  operator_id INTEGER NOT NULL REFERENCES operator (id), -- whose deed it was
  at INTEGER NOT NULL,
  before TEXT NOT NULL, -- how the conversation was (store/deeds.py), with the words it had been closed with
  after TEXT NOT NULL
);
CREATE INDEX deed_of_conversation ON deed (conversation_id);
CREATE INDEX deed_at ON deed (at);
