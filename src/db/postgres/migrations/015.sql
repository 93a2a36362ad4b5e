-- Version 15: the last minute of a key without a search in its text, which cost more than all else of its row.

CREATE OR REPLACE FUNCTION recent_requests(recent text, second bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  seconds bigint[] := replace(replace(recent, '[', '{'), ']', '}');
  total bigint := 0;
BEGIN
  FOR at IN 1 .. coalesce(array_length(seconds, 1), 0) LOOP
    IF seconds[at][1] BETWEEN second - 60 AND second THEN total := total + seconds[at][2]; END IF;
  END LOOP;
  RETURN total;
END $$;

CREATE OR REPLACE FUNCTION add_recent(recent text, second bigint, requests bigint) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  tail text := right(recent, 60);
  -- `second,requests,images]]`; of an empty list `]`.
  last text := right(tail, strpos(reverse(tail), '[') - 1);
BEGIN
  IF split_part(last, ',', 1) = second::text THEN
    RETURN left(recent, length(recent) - length(last)) || second || ',' || (split_part(last, ',', 2)::bigint + requests) || ','
      || split_part(last, ',', 3);
  END IF;
  RETURN (
    SELECT '[' || coalesce(string_agg(one::text, ',' ORDER BY place) || ',', '') || '[' || second || ',' || requests || ',0]]'
    FROM json_array_elements(recent::json) WITH ORDINALITY AS given (one, place)
    WHERE (one ->> 0)::bigint BETWEEN second - 60 AND second);
END $$;
