-- stated: the media type that its sender gave a file, or its name, where the bytes contradict it. width and
-- height: pixels, of pictures and films whose header tells them.
ALTER TABLE attachment ADD COLUMN stated TEXT NOT NULL DEFAULT '';
ALTER TABLE attachment ADD COLUMN width INTEGER;
ALTER TABLE attachment ADD COLUMN height INTEGER;
ALTER TABLE upload ADD COLUMN width INTEGER;
ALTER TABLE upload ADD COLUMN height INTEGER;
