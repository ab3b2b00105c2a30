-- Texts kept ready, found by a short code; one wording for each language and channel that needs its own.
CREATE TABLE template (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  operator_id INTEGER REFERENCES operator (id)
);
CREATE TABLE template_variant (
  template_id INTEGER NOT NULL REFERENCES template (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  language TEXT NOT NULL,
  on_channel TEXT NOT NULL,
  text TEXT NOT NULL,
  variables TEXT NOT NULL,
  PRIMARY KEY (template_id, position)
);
