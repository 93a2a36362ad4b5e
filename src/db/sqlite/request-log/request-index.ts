// Search index of the request log: makes rows findable by their filters and words.

import type { Database } from "bun:sqlite";
import type { RequestRow } from "../../../domain/request.ts";
import { hasRuns, searchedText, splitRuns } from "../../request-log/search-words.ts";

/** Rows whose words SQLite would not cut where we do. */
export type SplitWords = { seq: number; words: string }[];

/** The words of a row, where it holds writing without blanks between words; null: SQLite cuts them alike. */
export function splitWords(row: Pick<RequestRow, "model" | "message" | "payload">): string | null {
  const text = searchedText(row);
  return hasRuns(text) ? splitRuns(text) : null;
}

/**
 * Indexes rows at positions `from` to `to`, each once, attempts included.
 * @param split words of rows that are to be cut otherwise than SQLite does
 */
export function indexRequests(db: Database, { from, to }: { from: number; to: number }, split: SplitWords = []): void {
  // As in the migration that made this index, so that old rows and new ones are found alike.
  db.query(
    `INSERT INTO request_words (rowid, facets, words)
     SELECT seq,
       'k' || ifnull(key_id, 0) || ' o' || replace(outcome, '_', '') || iif(outcome = 'ok', '', iif(times IS NULL, ' f', ' g'))
         || ' d' || ifnull(kind, '') || ' m' || hex(model) || iif(family IS NULL, '', ' y' || hex(family))
         || iif(outcome = 'ok', '', ' r' || replace(ifnull(ifnull(reason,
              (SELECT iif(outcome = 'ok', NULL, ifnull(reason, outcome)) FROM attempts WHERE request = seq ORDER BY position DESC LIMIT 1)),
              outcome), '_', ''))
         || ifnull((SELECT group_concat(' t' || token_id || iif(outcome = 'ok', '',
              ' x' || token_id || ' x' || token_id || 'r' || replace(ifnull(reason, outcome), '_', '')), '')
            FROM attempts WHERE request = seq), ''),
       ifnull(split.words, model || ' ' || ifnull(message, '') || ' ' || ifnull(payload ->> '$.prompt', ''))
     FROM requests LEFT JOIN (SELECT value ->> 'seq' AS at, value ->> 'words' AS words FROM json_each($split)) AS split ON split.at = seq
     WHERE seq BETWEEN $from AND $to`,
  ).run({ from, to, split: JSON.stringify(split) });
}
