-- flow2api.db, version 8: the form in which a key gets videos in chat; reservations that belong to jobs.

-- Null: the setting's.
ALTER TABLE keys ADD COLUMN video_form TEXT;
-- 1: nothing is sent for it before its job is on disk.
ALTER TABLE reservations ADD COLUMN for_job INTEGER NOT NULL DEFAULT 0 CHECK (for_job IN (0, 1));

PRAGMA user_version = 8;
