-- Version 14: the last minute of a key is counted here, so that its row is locked no longer than a commit takes.

-- Admissions in the minute before a second since the epoch, as recent.ts counts them.
CREATE FUNCTION recent_requests(recent text, second bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(sum((one ->> 1)::bigint), 0)::bigint FROM json_array_elements(recent::json) AS one
  WHERE (one ->> 0)::bigint BETWEEN second - 60 AND second
$$;

-- With so many more in this second, and without what is past.
CREATE FUNCTION add_recent(recent text, second bigint, requests bigint) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  last text[] := regexp_match(right(recent, 60), '\[(\d+),(\d+),(\d+)\]\]$');
BEGIN
  IF last[1]::bigint = second THEN
    RETURN left(recent, length(recent) - length(last[2]) - length(last[3]) - 3) || (last[2]::bigint + requests) || ',' || last[3] || ']]';
  END IF;
  RETURN (
    SELECT '[' || coalesce(string_agg(one::text, ',' ORDER BY place) || ',', '') || '[' || second || ',' || requests || ',0]]'
    FROM json_array_elements(recent::json) WITH ORDINALITY AS given (one, place)
    WHERE (one ->> 0)::bigint BETWEEN second - 60 AND second);
END $$;
