-- What the server said by itself, so that it cannot say it too often, whatever the mails pretend.
CREATE TABLE auto_answer (
  message_id INTEGER PRIMARY KEY REFERENCES message (id),
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  address_id INTEGER NOT NULL REFERENCES address (id),
  at INTEGER NOT NULL
);
CREATE INDEX auto_answer_at ON auto_answer (at);
CREATE INDEX auto_answer_address ON auto_answer (address_id, at);
CREATE INDEX auto_answer_conversation ON auto_answer (conversation_id);
