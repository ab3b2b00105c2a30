-- What stands below the text of a reply since its first try to leave: the channel's signature as it was then.
ALTER TABLE message ADD COLUMN signature TEXT NOT NULL DEFAULT '';
