-- flow2api.db, version 17: results by their request instead of media by age, which the sweep does not go by.

DROP INDEX media_by_age;
CREATE INDEX media_results ON media (request_id) WHERE origin = 'result';

PRAGMA user_version = 17;
