-- Version 9: failures of logins by the account that was tried, in place of bare counts that no version used.

CREATE UNLOGGED TABLE login_failures (
  name text COLLATE "C" PRIMARY KEY,
  failures text NOT NULL,
  at bigint NOT NULL
) WITH (fillfactor = 50);

DROP TABLE throttle;
