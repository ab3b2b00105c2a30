-- Cards of which something is known that was not before: to be compared with the others, a moment after the
-- commit. A card that changes while it is compared has another row, and is compared again.

CREATE TABLE card_to_compare (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL
);
INSERT INTO card_to_compare (customer_id) SELECT id FROM customer WHERE root_id IS NULL;

CREATE TRIGGER compare_renamed AFTER UPDATE OF name, root_id ON customer
WHEN OLD.name IS NOT NEW.name OR OLD.root_id IS NOT NEW.root_id BEGIN
  INSERT INTO card_to_compare (customer_id) VALUES (NEW.id);
END;
CREATE TRIGGER compare_address AFTER INSERT ON address BEGIN
  INSERT INTO card_to_compare (customer_id) VALUES (NEW.customer_id);
END;
CREATE TRIGGER compare_address_changed AFTER UPDATE OF external_id, verified ON address
WHEN OLD.external_id IS NOT NEW.external_id OR OLD.verified IS NOT NEW.verified BEGIN
  INSERT INTO card_to_compare (customer_id) VALUES (NEW.customer_id);
END;
