// What an ended job cost, and the tokens of text that it used. Pure.
import type { JobRow } from "../../db/jobs.ts";
import type { Cost } from "../limits/contract.ts";

export const FREE: Cost = { images: 0, videoSeconds: 0, usd: 0 };

/** Cost of an ended job. */
export function costOf(row: JobRow): Cost {
  if (!row.charged) return FREE;
  return {
    images: row.kind === "image" ? Math.max(1, row.mediaIds.length) : 0,
    videoSeconds: row.kind === "video" ? (row.seconds ?? 0) : 0,
    usd: row.usd,
  };
}

export function tokensOf({ usage }: Pick<JobRow, "usage">): { inputTokens: number; outputTokens: number } {
  return {
    inputTokens: usage ? usage.inputText + usage.inputImage : 0,
    outputTokens: usage ? usage.outputText + usage.outputImage + usage.thoughts : 0,
  };
}
