-- One person: how each of his addresses is known, who may be whom, and what is known of him.

ALTER TABLE address ADD COLUMN proof TEXT NOT NULL DEFAULT 'claim'
  CHECK (proof IN ('channel', 'code', 'signature', 'colleague', 'claim'));
UPDATE address SET proof = 'channel' WHERE verified = 1;
ALTER TABLE address ADD COLUMN barred INTEGER NOT NULL DEFAULT 0; -- its messages are kept apart as spam
CREATE INDEX address_given ON address (scheme, external_id);

ALTER TABLE merge ADD COLUMN operator_id INTEGER REFERENCES operator (id); -- NULL: by proof
ALTER TABLE merge ADD COLUMN undone_by INTEGER REFERENCES operator (id);
CREATE INDEX merge_from ON merge (from_customer);
CREATE INDEX merge_into ON merge (into_customer);

-- Splits and joins of conversations, so that they can be taken back.
CREATE TABLE regrouping (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('split', 'join')),
  from_conversation INTEGER NOT NULL REFERENCES conversation (id),
  into_conversation INTEGER NOT NULL REFERENCES conversation (id),
  operator_id INTEGER REFERENCES operator (id), -- NULL: by a merge that was taken back
  moved TEXT NOT NULL, -- JSON: what went over, and what was changed for it
  undone_at INTEGER,
  undone_by INTEGER REFERENCES operator (id)
);
CREATE INDEX regrouping_from ON regrouping (from_conversation);
CREATE INDEX regrouping_into ON regrouping (into_conversation);

-- Two cards that may be one person. The pair is that of the cards when it was first seen; who they are
-- today is asked through `merged_into`, so that a merge or its undoing changes nothing here.
CREATE TABLE suggestion (
  id INTEGER PRIMARY KEY,
  one_customer INTEGER NOT NULL REFERENCES customer (id), -- the lower id
  other_customer INTEGER NOT NULL REFERENCES customer (id),
  state TEXT NOT NULL CHECK (state IN ('open', 'accepted', 'refused')),
  reasons TEXT NOT NULL, -- JSON: kinds and row ids, never words
  score INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  decided_at INTEGER,
  decided_by INTEGER REFERENCES operator (id),
  merge_id INTEGER REFERENCES merge (id),
  UNIQUE (one_customer, other_customer)
);
CREATE INDEX suggestion_open ON suggestion (score DESC, id DESC) WHERE state = 'open';
CREATE INDEX suggestion_other ON suggestion (other_customer);

-- One-time codes and links with which a person shows on one channel who he is on another.
CREATE TABLE code (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('digits', 'link')),
  digest BLOB NOT NULL, -- keyed; the code itself is nowhere
  customer_id INTEGER NOT NULL REFERENCES customer (id), -- who proves himself with it
  conversation_id INTEGER NOT NULL REFERENCES conversation (id), -- which goes on
  channel_id TEXT NOT NULL, -- digits: where they were sent; link: where it leads
  address_id INTEGER REFERENCES address (id), -- digits: to which they were sent
  operator_id INTEGER NOT NULL REFERENCES operator (id),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  tries_left INTEGER NOT NULL,
  used_at INTEGER,
  ended TEXT NOT NULL DEFAULT '' -- why it can be used no more: 'used', 'tries', 'replaced', 'withdrawn'
);
CREATE INDEX code_live ON code (conversation_id) WHERE used_at IS NULL AND ended = '';
CREATE UNIQUE INDEX code_link ON code (digest) WHERE kind = 'link';

-- What is known of a person, and was: the newest row of a name is how it is now. Consents are fields
-- named "consent.PURPOSE.SCHEME", the stated channel is "preferred_channel".
CREATE TABLE field (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customer (id),
  name TEXT NOT NULL,
  value TEXT, -- NULL: removed
  source TEXT NOT NULL CHECK (source IN ('operator', 'channel', 'message', 'api', 'import')),
  operator_id INTEGER REFERENCES operator (id),
  message_id INTEGER REFERENCES message (id),
  at INTEGER NOT NULL
);
CREATE INDEX field_of_customer ON field (customer_id, name, id);
CREATE INDEX field_by_value ON field (name, value);

CREATE TABLE customer_tag (
  customer_id INTEGER NOT NULL REFERENCES customer (id),
  tag TEXT NOT NULL,
  at INTEGER NOT NULL,
  operator_id INTEGER REFERENCES operator (id),
  PRIMARY KEY (customer_id, tag)
) WITHOUT ROWID;
CREATE INDEX customer_by_tag ON customer_tag (tag, customer_id);

CREATE TABLE conversation_tag (
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  tag TEXT NOT NULL,
  at INTEGER NOT NULL,
  operator_id INTEGER REFERENCES operator (id),
  PRIMARY KEY (conversation_id, tag)
) WITHOUT ROWID;
CREATE INDEX conversation_by_tag ON conversation_tag (tag, conversation_id);

-- Orders, payments and whatever else the company's own systems know. Who it belongs to is the card that
-- was named, or else whose verified address this is: so it needs no moving when cards merge.
CREATE TABLE record (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  external_id TEXT NOT NULL,
  customer_id INTEGER REFERENCES customer (id),
  scheme TEXT NOT NULL DEFAULT '',
  account TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL DEFAULT '',
  title TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT '',
  amount TEXT NOT NULL DEFAULT '', -- a decimal number
  currency TEXT NOT NULL DEFAULT '', -- ISO 4217
  at INTEGER NOT NULL,
  url TEXT NOT NULL DEFAULT '',
  details TEXT NOT NULL DEFAULT '{}', -- JSON: text by name
  version INTEGER NOT NULL DEFAULT 0, -- the source's own; an older one never replaces a newer one
  updated_at INTEGER NOT NULL,
  UNIQUE (kind, external_id)
);
CREATE INDEX record_of_customer ON record (customer_id, at) WHERE customer_id IS NOT NULL;
CREATE INDEX record_of_address ON record (scheme, account, address, at) WHERE address != '';
CREATE INDEX record_number ON record (external_id);

-- From where a person came: the page of each conversation's beginning, and the first visit of all.
CREATE TABLE origin (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customer (id),
  conversation_id INTEGER REFERENCES conversation (id),
  message_id INTEGER REFERENCES message (id),
  channel_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  page TEXT NOT NULL DEFAULT '', -- without what looks like a secret
  title TEXT NOT NULL DEFAULT '',
  referrer TEXT NOT NULL DEFAULT '',
  campaign TEXT NOT NULL DEFAULT '{}' -- JSON: source, medium, campaign, term, content
);
CREATE INDEX origin_of_customer ON origin (customer_id, at);
CREATE INDEX origin_of_conversation ON origin (conversation_id);

-- People who belong together and are not one: a family, an assistant, who shares a phone.
CREATE TABLE link (
  id INTEGER PRIMARY KEY,
  one_customer INTEGER NOT NULL REFERENCES customer (id), -- the lower id
  other_customer INTEGER NOT NULL REFERENCES customer (id),
  relation TEXT NOT NULL,
  operator_id INTEGER REFERENCES operator (id),
  at INTEGER NOT NULL,
  UNIQUE (one_customer, other_customer)
);
CREATE INDEX link_other ON link (other_customer);

ALTER TABLE message ADD COLUMN detail TEXT; -- JSON: small facts that came with it; NULL: none
CREATE INDEX message_notes ON message (customer_id, at, id) WHERE kind = 'note';

-- 0 urgent, 1 high, 2 normal, 3 low: work that waits is listed by it first.
ALTER TABLE conversation ADD COLUMN priority INTEGER NOT NULL DEFAULT 2;
ALTER TABLE conversation ADD COLUMN summary TEXT NOT NULL DEFAULT '';
ALTER TABLE conversation ADD COLUMN next_step TEXT NOT NULL DEFAULT ''; -- what was promised
ALTER TABLE conversation ADD COLUMN due_at INTEGER; -- until when
ALTER TABLE conversation ADD COLUMN spam INTEGER NOT NULL DEFAULT 0; -- closed, and kept apart
DROP INDEX conversation_queue;
CREATE INDEX conversation_queue ON conversation (priority, sort_at, id)
  WHERE state = 'open' AND assignee_id IS NULL;
CREATE INDEX conversation_mine_open ON conversation (assignee_id, priority, sort_at, id) WHERE state = 'open';
DROP INDEX conversation_closed;
CREATE INDEX conversation_closed ON conversation (sort_at DESC, id DESC) WHERE state = 'closed' AND spam = 0;
CREATE INDEX conversation_spam ON conversation (sort_at DESC, id DESC) WHERE spam = 1;
CREATE INDEX conversation_due ON conversation (due_at) WHERE due_at IS NOT NULL AND state != 'closed';
