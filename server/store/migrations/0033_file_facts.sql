-- stated: the media type that its sender gave a file, or its name, where the bytes contradict it.
ALTER TABLE attachment ADD COLUMN stated TEXT NOT NULL DEFAULT '';
