-- All that a reply made of its conversation, to be put back with it; before, only the life was kept.
ALTER TABLE outbox RENAME COLUMN before TO deed;

UPDATE outbox SET deed = json_object(
  'conversation_id', (SELECT conversation_id FROM message WHERE id = outbox.message_id),
  'operator_id', (SELECT operator_id FROM message WHERE id = outbox.message_id),
  'before', json_object('life', json(deed), 'rest', json('{}')),
  'after', json_object('life', json(deed), 'rest', json('{}'))
) WHERE deed IS NOT NULL;
