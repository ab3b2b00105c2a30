-- Ranges of a text that say nothing new: JSON list of {"kind", "start", "end"}, NULL for none.

ALTER TABLE message ADD COLUMN folds TEXT;
