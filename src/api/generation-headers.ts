// What an answer's headers say of its generation, on both surfaces.
import type { Run } from "../gateway/generate.ts";

/** Those of the run, and the living model that stands in for a retired one. */
export function generationHeaders({
  headers,
  family,
  successorOf,
}: Pick<Run, "headers" | "family" | "successorOf">): Record<string, string> {
  if (successorOf === null) return { ...headers };
  return { ...headers, "x-flow2api-successor": `${family}; for="${successorOf.replace(/[^\w.:/-]/g, "")}"` };
}
