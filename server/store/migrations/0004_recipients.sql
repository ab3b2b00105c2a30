-- Whom messages name, what became of each recipient of ours, and what mail refers to.

CREATE TABLE recipient (
  message_id INTEGER NOT NULL REFERENCES message (id),
  role TEXT NOT NULL CHECK (role IN ('to', 'cc', 'bcc', 'reply_to')),
  address TEXT NOT NULL, -- canonical, in the scheme of the message's channel
  name TEXT NOT NULL DEFAULT '',
  place INTEGER NOT NULL, -- in the order of the message
  -- What became of it, where the message is ours: '' until it is tried. Later than "sent" only by report.
  state TEXT NOT NULL DEFAULT ''
    CHECK (state IN ('', 'sent', 'retry', 'failed', 'unknown', 'delayed', 'delivered')),
  detail TEXT NOT NULL DEFAULT '', -- what the other side said
  PRIMARY KEY (message_id, address)
) WITHOUT ROWID;
CREATE INDEX recipient_address ON recipient (address, message_id);

-- Ids that a message refers to and that never came here: what refers to the same belongs to it.
CREATE TABLE phantom (
  channel_id TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  message_id INTEGER NOT NULL REFERENCES message (id), -- that refers to it
  place INTEGER NOT NULL, -- 0 is the nearest ancestor
  PRIMARY KEY (channel_id, remote_id, message_id)
) WITHOUT ROWID;
CREATE INDEX phantom_of_message ON phantom (message_id);

-- Addresses that look alike have one skeleton.
CREATE TABLE skeleton (
  address_id INTEGER PRIMARY KEY REFERENCES address (id),
  skeleton TEXT NOT NULL
);
CREATE INDEX skeleton_alike ON skeleton (skeleton);

ALTER TABLE message ADD COLUMN suggest_id INTEGER REFERENCES conversation (id); -- may belong there
ALTER TABLE message ADD COLUMN suggest_why TEXT NOT NULL DEFAULT '';
ALTER TABLE conversation ADD COLUMN parent_id INTEGER REFERENCES conversation (id); -- it was forwarded from
CREATE INDEX conversation_child ON conversation (parent_id) WHERE parent_id IS NOT NULL;
ALTER TABLE draft ADD COLUMN recipients TEXT NOT NULL DEFAULT '[]'; -- JSON
