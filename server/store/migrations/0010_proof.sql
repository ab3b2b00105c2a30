-- How addresses are proven, who may be whom, and codes with which a person shows it.

ALTER TABLE address ADD COLUMN proved_at INTEGER; -- when it was last shown whose it is; NULL: never
UPDATE address SET proved_at = last_in_at WHERE verified = 1 AND account = '';
UPDATE address SET proof = 'signature' WHERE verified = 1 AND evidence = 'signed by the site';

-- The person was led here to go on with this very conversation.
ALTER TABLE thread ADD COLUMN continued INTEGER NOT NULL DEFAULT 0;

-- From it and the installation's key the code is made again until it is sent, used or over; then it is NULL.
ALTER TABLE code ADD COLUMN nonce BLOB;
ALTER TABLE code ADD COLUMN message_id INTEGER REFERENCES message (id); -- that carries it
CREATE INDEX code_of_message ON code (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX code_of_conversation ON code (conversation_id, created_at);
CREATE INDEX code_of_address ON code (address_id, created_at) WHERE address_id IS NOT NULL;
CREATE INDEX code_forgotten ON code (expires_at) WHERE nonce IS NOT NULL;

-- Cards by their full name, as a keyed digest: names themselves stay where they are.
CREATE TABLE namesake (
  customer_id INTEGER PRIMARY KEY REFERENCES customer (id),
  mark BLOB NOT NULL
);
CREATE INDEX namesake_mark ON namesake (mark);

DROP INDEX suggestion_open;
CREATE INDEX suggestion_listed ON suggestion (state, score DESC, id DESC);
CREATE INDEX suggestion_merge ON suggestion (merge_id) WHERE merge_id IS NOT NULL;
