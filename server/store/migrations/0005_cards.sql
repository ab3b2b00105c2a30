-- Merges that can be taken back in any order: every row remembers the card it was given to (`card_id`;
-- NULL: the one it has now), and `customer_id` is always the card that this one is part of today.

ALTER TABLE customer ADD COLUMN root_id INTEGER REFERENCES customer (id); -- NULL: it is nobody's part
UPDATE customer SET root_id = (
  WITH RECURSIVE up (id, parent) AS (
    SELECT k.id, k.merged_into FROM customer k WHERE k.id = customer.merged_into
    UNION ALL SELECT k.id, k.merged_into FROM customer k JOIN up ON k.id = up.parent
  ) SELECT id FROM up WHERE parent IS NULL
) WHERE merged_into IS NOT NULL;
CREATE INDEX customer_part ON customer (root_id) WHERE root_id IS NOT NULL;

ALTER TABLE address ADD COLUMN card_id INTEGER REFERENCES customer (id);
UPDATE address SET card_id = coalesce(
  (SELECT m.from_customer FROM merge m, json_each(m.moved, '$.address') moved
   WHERE moved.value = address.id AND m.undone_at IS NULL ORDER BY m.id LIMIT 1), customer_id);
-- Claims that gave way to a verified twin when cards merged come back to where they were.
UPDATE address SET card_id = (SELECT m.into_customer FROM merge m, json_each(m.moved, '$.address_back') moved
  WHERE moved.value = address.id AND m.undone_at IS NULL ORDER BY m.id LIMIT 1)
  WHERE id IN (SELECT moved.value FROM merge m, json_each(m.moved, '$.address_back') moved
    WHERE m.undone_at IS NULL);
DROP INDEX address_of_customer;
UPDATE address SET customer_id = coalesce(
  (SELECT k.root_id FROM customer k WHERE k.id = address.customer_id), customer_id);
CREATE INDEX address_of_customer ON address (customer_id, scheme, account, external_id);
CREATE UNIQUE INDEX address_of_card ON address (card_id, scheme, account, external_id);

ALTER TABLE conversation ADD COLUMN card_id INTEGER REFERENCES customer (id);
UPDATE conversation SET card_id =
  (SELECT m.from_customer FROM merge m, json_each(m.moved, '$.conversation') moved
   WHERE moved.value = conversation.id AND m.undone_at IS NULL ORDER BY m.id LIMIT 1);

-- Tags, links, suggestions and codes stay with the card they were given to: whoever reads them asks for all
-- cards that are part of the person (merges.cards_of).
ALTER TABLE field ADD COLUMN card_id INTEGER REFERENCES customer (id);
ALTER TABLE record ADD COLUMN card_id INTEGER REFERENCES customer (id);
ALTER TABLE origin ADD COLUMN card_id INTEGER REFERENCES customer (id);

-- A conversation that goes on in another one: it has no messages, and whatever names it means that one.
ALTER TABLE conversation ADD COLUMN joined_into INTEGER REFERENCES conversation (id);
DROP INDEX conversation_closed;
CREATE INDEX conversation_closed ON conversation (sort_at DESC, id DESC)
  WHERE state = 'closed' AND spam = 0 AND joined_into IS NULL;

UPDATE merge SET moved = '{}';
