-- Times are UTC milliseconds. `seq` columns hold numbers of the event log.

CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  conversation_id INTEGER,
  customer_id INTEGER,
  message_id INTEGER,
  operator_id INTEGER,
  data TEXT -- JSON: ids, kinds and field names, never a customer's words
);

CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE operator (
  id INTEGER PRIMARY KEY,
  login TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('admin', 'lead', 'operator', 'reader')),
  uid INTEGER UNIQUE, -- the local Unix account that signs in by the socket
  disabled INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
);

CREATE TABLE customer (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  merged_into INTEGER REFERENCES customer (id)
);

CREATE TABLE address (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customer (id),
  scheme TEXT NOT NULL,
  account TEXT NOT NULL, -- the channel for schemes that are its own, '' for shared ones
  external_id TEXT NOT NULL,
  name TEXT NOT NULL DEFAULT '',
  verified INTEGER NOT NULL,
  evidence TEXT NOT NULL DEFAULT '',
  blocked INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  last_in_at INTEGER
);
-- A verified address belongs to one person; anybody may claim it.
CREATE UNIQUE INDEX address_verified ON address (scheme, account, external_id) WHERE verified = 1;
CREATE UNIQUE INDEX address_of_customer ON address (customer_id, scheme, account, external_id);

CREATE TABLE merge (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  from_customer INTEGER NOT NULL REFERENCES customer (id),
  into_customer INTEGER NOT NULL REFERENCES customer (id),
  evidence TEXT NOT NULL,
  moved TEXT NOT NULL, -- JSON: the ids moved, by table, so that it can be taken back
  undone_at INTEGER
);

CREATE TABLE conversation (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customer (id),
  state TEXT NOT NULL CHECK (state IN ('open', 'waiting', 'snoozed', 'closed')),
  assignee_id INTEGER REFERENCES operator (id),
  channel_id TEXT NOT NULL DEFAULT '', -- of the customer's latest message
  channels TEXT NOT NULL DEFAULT '', -- all of them, space-separated, in order of appearance
  subject TEXT,
  seq INTEGER NOT NULL DEFAULT 0,
  sort_at INTEGER NOT NULL, -- open: since when it waits for us; otherwise: since when it is as it is
  waiting_since INTEGER,
  customer_seq INTEGER NOT NULL DEFAULT 0,
  reply_seq INTEGER NOT NULL DEFAULT 0,
  last_at INTEGER NOT NULL DEFAULT 0,
  preview TEXT NOT NULL DEFAULT '',
  preview_kind TEXT NOT NULL DEFAULT 'in',
  preview_files INTEGER NOT NULL DEFAULT 0,
  snooze_until INTEGER,
  opened_at INTEGER NOT NULL,
  closed_at INTEGER,
  topic TEXT NOT NULL DEFAULT '',
  result TEXT NOT NULL DEFAULT '',
  unsettled INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX conversation_queue ON conversation (sort_at, id) WHERE state = 'open' AND assignee_id IS NULL;
CREATE INDEX conversation_mine ON conversation (assignee_id, state, sort_at, id);
CREATE INDEX conversation_active ON conversation (sort_at DESC, id DESC) WHERE state != 'closed';
CREATE INDEX conversation_closed ON conversation (sort_at DESC, id DESC) WHERE state = 'closed';
CREATE INDEX conversation_snoozed ON conversation (snooze_until) WHERE state = 'snoozed';
CREATE INDEX conversation_of_customer ON conversation (customer_id, id);
CREATE INDEX conversation_unsettled ON conversation (id) WHERE unsettled > 0;

CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  customer_id INTEGER NOT NULL REFERENCES customer (id),
  kind TEXT NOT NULL CHECK (kind IN ('in', 'out', 'note', 'system')),
  event_kind TEXT NOT NULL DEFAULT 'message',
  channel_id TEXT NOT NULL DEFAULT '',
  thread TEXT NOT NULL DEFAULT '',
  address_id INTEGER REFERENCES address (id),
  operator_id INTEGER REFERENCES operator (id),
  author TEXT NOT NULL DEFAULT '',
  text TEXT NOT NULL,
  subject TEXT,
  status TEXT NOT NULL,
  error TEXT NOT NULL DEFAULT '',
  at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  seq INTEGER NOT NULL DEFAULT 0, -- of the event that brought it
  visible_seq INTEGER, -- of the event that made it visible to the customer; NULL: he does not see it
  remote_id TEXT,
  client_id TEXT,
  reason TEXT NOT NULL DEFAULT '',
  stranger INTEGER NOT NULL DEFAULT 0,
  automatic INTEGER NOT NULL DEFAULT 0,
  edited_at INTEGER,
  deleted INTEGER NOT NULL DEFAULT 0,
  search_id INTEGER NOT NULL UNIQUE -- at * 2^20 + counter: the full-text index lists newest first
);
CREATE UNIQUE INDEX message_once ON message (operator_id, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX message_river ON message (customer_id, at, id);
CREATE INDEX message_of_conversation ON message (conversation_id, id);
CREATE INDEX message_remote ON message (channel_id, remote_id) WHERE remote_id IS NOT NULL;
CREATE INDEX message_thread ON message (channel_id, thread, visible_seq) WHERE visible_seq IS NOT NULL;

CREATE TABLE attachment (
  id INTEGER PRIMARY KEY,
  message_id INTEGER NOT NULL REFERENCES message (id),
  name TEXT NOT NULL,
  content_type TEXT NOT NULL,
  kind TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT, -- NULL: the bytes are not here, `problem` says why
  problem TEXT NOT NULL DEFAULT ''
);
CREATE INDEX attachment_of_message ON attachment (message_id);

CREATE TABLE thread (
  channel_id TEXT NOT NULL,
  thread TEXT NOT NULL,
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  address_id INTEGER NOT NULL REFERENCES address (id),
  PRIMARY KEY (channel_id, thread)
) WITHOUT ROWID;
CREATE INDEX thread_of_address ON thread (address_id);
CREATE INDEX thread_of_conversation ON thread (conversation_id);

CREATE TABLE journal (
  id INTEGER PRIMARY KEY,
  channel_id TEXT NOT NULL,
  dedupe_key TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('received', 'taken', 'quarantined')),
  received_at INTEGER NOT NULL,
  size INTEGER NOT NULL,
  raw BLOB, -- small items; larger ones are a file named by raw_sha256
  raw_sha256 TEXT,
  meta TEXT NOT NULL DEFAULT '{}',
  error TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0, -- of parsing it in the worker
  message_id INTEGER REFERENCES message (id),
  customer_id INTEGER REFERENCES customer (id),
  UNIQUE (channel_id, dedupe_key)
);
CREATE INDEX journal_unfinished ON journal (state, id) WHERE state != 'taken';

CREATE TABLE outbox (
  message_id INTEGER PRIMARY KEY REFERENCES message (id),
  channel_id TEXT NOT NULL,
  thread TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'retrying', 'sent', 'failed', 'unknown')),
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL,
  lease TEXT, -- whoever finishes must hold this token
  lease_until INTEGER,
  error TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL
);
CREATE INDEX outbox_pending ON outbox (channel_id, thread, message_id)
  WHERE state IN ('queued', 'sending', 'retrying');
CREATE INDEX outbox_unsettled ON outbox (message_id) WHERE state != 'sent';

CREATE TABLE draft (
  operator_id INTEGER NOT NULL REFERENCES operator (id),
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  kind TEXT NOT NULL CHECK (kind IN ('reply', 'note')),
  text TEXT NOT NULL,
  channel_id TEXT NOT NULL DEFAULT '',
  address_id INTEGER,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (operator_id, conversation_id, kind)
) WITHOUT ROWID;

CREATE TABLE seen (
  operator_id INTEGER NOT NULL REFERENCES operator (id),
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  seq INTEGER NOT NULL,
  PRIMARY KEY (operator_id, conversation_id)
) WITHOUT ROWID;

CREATE TABLE channel_state (
  channel_id TEXT NOT NULL,
  name TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (channel_id, name)
) WITHOUT ROWID;

-- External content: the texts stay in `message`. No stems are stored; the query's words are stemmed.
CREATE VIRTUAL TABLE message_text USING fts5 (
  text, subject, content = 'message', content_rowid = 'search_id', tokenize = 'unicode61'
);
