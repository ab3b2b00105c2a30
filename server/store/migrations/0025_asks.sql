-- What a template asks the customer for: JSON list of names.
ALTER TABLE template ADD COLUMN asks TEXT NOT NULL DEFAULT '[]';
