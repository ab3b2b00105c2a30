-- Cards are found by the words of their names, addresses and tags; files and one channel's part of a river
-- cost the same however long the history is.

-- One row a card, its rowid the card's id; kept up a moment after the commit, like the texts of messages.
CREATE VIRTUAL TABLE card_text USING fts5 (words, tokenize = 'unicode61', prefix = '2 3');
-- Cards whose words changed since. Erasing a person must empty his row in both.
CREATE TABLE card_changed (
  customer_id INTEGER PRIMARY KEY
);
INSERT INTO card_changed (customer_id) SELECT id FROM customer;

CREATE TRIGGER card_new AFTER INSERT ON customer BEGIN
  INSERT INTO card_changed SELECT NEW.id WHERE NOT EXISTS (SELECT 1 FROM card_changed WHERE customer_id = NEW.id);
END;
CREATE TRIGGER card_renamed AFTER UPDATE OF name, root_id ON customer
WHEN OLD.name IS NOT NEW.name OR OLD.root_id IS NOT NEW.root_id BEGIN
  INSERT INTO card_changed SELECT NEW.id WHERE NOT EXISTS (SELECT 1 FROM card_changed WHERE customer_id = NEW.id);
END;
CREATE TRIGGER card_gone AFTER DELETE ON customer BEGIN
  INSERT INTO card_changed SELECT OLD.id WHERE NOT EXISTS (SELECT 1 FROM card_changed WHERE customer_id = OLD.id);
END;
CREATE TRIGGER card_address_new AFTER INSERT ON address BEGIN
  INSERT INTO card_changed SELECT NEW.customer_id
    WHERE NOT EXISTS (SELECT 1 FROM card_changed WHERE customer_id = NEW.customer_id);
END;
CREATE TRIGGER card_address_changed AFTER UPDATE OF customer_id, external_id, name ON address
WHEN OLD.customer_id IS NOT NEW.customer_id OR OLD.external_id IS NOT NEW.external_id OR OLD.name IS NOT NEW.name
BEGIN
  INSERT INTO card_changed SELECT OLD.customer_id
    WHERE NOT EXISTS (SELECT 1 FROM card_changed WHERE customer_id = OLD.customer_id);
  INSERT INTO card_changed SELECT NEW.customer_id
    WHERE NOT EXISTS (SELECT 1 FROM card_changed WHERE customer_id = NEW.customer_id);
END;
CREATE TRIGGER card_address_gone AFTER DELETE ON address BEGIN
  INSERT INTO card_changed SELECT OLD.customer_id
    WHERE NOT EXISTS (SELECT 1 FROM card_changed WHERE customer_id = OLD.customer_id);
END;
CREATE TRIGGER card_tagged AFTER INSERT ON customer_tag BEGIN
  INSERT INTO card_changed SELECT NEW.customer_id
    WHERE NOT EXISTS (SELECT 1 FROM card_changed WHERE customer_id = NEW.customer_id);
END;
CREATE TRIGGER card_untagged AFTER DELETE ON customer_tag BEGIN
  INSERT INTO card_changed SELECT OLD.customer_id
    WHERE NOT EXISTS (SELECT 1 FROM card_changed WHERE customer_id = OLD.customer_id);
END;

ALTER TABLE message ADD COLUMN files INTEGER NOT NULL DEFAULT 0; -- how many it has
UPDATE message SET files = (SELECT count(*) FROM attachment a WHERE a.message_id = message.id)
  WHERE id IN (SELECT message_id FROM attachment);
CREATE INDEX message_files ON message (customer_id, at, id) WHERE files > 0;
CREATE INDEX message_river_channel ON message (customer_id, channel_id, at, id);

-- The first visit of a person is known once.
CREATE UNIQUE INDEX origin_first ON origin (coalesce(card_id, customer_id)) WHERE conversation_id IS NULL;
