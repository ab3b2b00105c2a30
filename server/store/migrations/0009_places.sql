-- Where raw items lie at their provider: mails by folder (box), UIDVALIDITY (epoch) and UID (number). One
-- item may lie at several places, and a place means one item until the box is renumbered.
CREATE TABLE place (
  channel_id TEXT NOT NULL,
  box TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  number INTEGER NOT NULL,
  journal_id INTEGER NOT NULL REFERENCES journal (id),
  size INTEGER NOT NULL, -- as the provider lists it
  date INTEGER, -- of arrival there, UTC ms
  likeness TEXT NOT NULL DEFAULT '', -- equal for items that a listing cannot tell apart
  PRIMARY KEY (channel_id, box, epoch, number)
) WITHOUT ROWID;
CREATE INDEX place_of_journal ON place (journal_id);
