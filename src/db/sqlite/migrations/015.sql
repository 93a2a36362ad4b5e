-- flow2api.db, version 15: what becomes of a key's side calls, and whether it makes images through the images routes alone.

-- answer, refuse or generate; null: the setting's.
ALTER TABLE keys ADD COLUMN side_calls TEXT CHECK (side_calls IN ('answer', 'refuse', 'generate'));
UPDATE keys SET side_calls = iif(auxiliary = 1, 'answer', 'generate') WHERE auxiliary IS NOT NULL;
ALTER TABLE keys DROP COLUMN auxiliary;
ALTER TABLE keys ADD COLUMN images_routes_only INTEGER NOT NULL DEFAULT 0 CHECK (images_routes_only IN (0, 1));

PRAGMA user_version = 15;
