-- The provider holds the customer's latest message for spam: shown, and nothing else.
ALTER TABLE conversation ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0;
