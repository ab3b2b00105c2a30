-- An account that one person has on its channel: two of them are two people until somebody says otherwise.

ALTER TABLE address ADD COLUMN is_account INTEGER NOT NULL DEFAULT 0;
UPDATE address SET is_account = 1 WHERE verified = 1 AND proof = 'signature' AND scheme NOT IN ('email', 'phone');
