-- First messages and forwards wait out their hold too: as a line beside which nothing of theirs exists yet.
-- becomes: what the line is when it leaves, as JSON; NULL: a reply in its own conversation.
ALTER TABLE scheduled ADD COLUMN becomes TEXT;

-- What is taken back of them is a draft like any other. forwards: which message a forward is of, as JSON.
CREATE TABLE draft_of_four_kinds (
  operator_id INTEGER NOT NULL REFERENCES operator (id),
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  kind TEXT NOT NULL CHECK (kind IN ('reply', 'note', 'first', 'forward')),
  text TEXT NOT NULL,
  subject TEXT,
  channel_id TEXT NOT NULL DEFAULT '',
  address_id INTEGER,
  recipients TEXT NOT NULL DEFAULT '[]',
  upload_ids TEXT NOT NULL DEFAULT '[]',
  forwards TEXT,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (operator_id, conversation_id, kind)
) WITHOUT ROWID;
INSERT INTO draft_of_four_kinds (operator_id, conversation_id, kind, text, channel_id, address_id, recipients,
    upload_ids, updated_at)
  SELECT operator_id, conversation_id, kind, text, channel_id, address_id, recipients, upload_ids, updated_at
  FROM draft;
DROP TABLE draft;
ALTER TABLE draft_of_four_kinds RENAME TO draft;
