-- What a conversation is about while it is open; `topic` is what it was closed with.
ALTER TABLE conversation ADD COLUMN noted_topic TEXT NOT NULL DEFAULT '';
