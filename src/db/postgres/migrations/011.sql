-- Version 11: nodes of which everything was taken over are not looked at again.

ALTER TABLE nodes ADD COLUMN taken_over boolean NOT NULL DEFAULT false;
