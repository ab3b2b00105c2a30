-- How far the receiver of each outgoing webhook was told of the event log.
CREATE TABLE webhook (
  name TEXT PRIMARY KEY,
  seq INTEGER NOT NULL -- every event up to here was acknowledged by its receiver, or is none that it wants
) WITHOUT ROWID;
