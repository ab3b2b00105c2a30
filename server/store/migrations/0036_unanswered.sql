-- Who may have been left without an answer: asked for with every look at a lead's screen.
CREATE INDEX conversation_unanswered ON conversation (sort_at)
  WHERE state = 'closed' AND spam = 0 AND joined_into IS NULL AND customer_seq > reply_seq;
