-- From a message to the raw item that it was read from.
CREATE INDEX journal_of_message ON journal (message_id) WHERE message_id IS NOT NULL;
