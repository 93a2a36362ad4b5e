// Request payload: text and parameters of a request, where the operator records them; no images, no links.

import type { Json } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import type { RequestPayload } from "../../domain/request.ts";
import type { ImageSpec } from "./contract.ts";

/** Characters of a prompt that are recorded. */
const PROMPT_LENGTH = 2000;

const cut = (text: string) => (text.length > PROMPT_LENGTH ? `${text.slice(0, PROMPT_LENGTH - 1)}…` : text);

/** The text of the last turn, what shapes the result, and how much else came with it. */
export function imagePayload(request: Pick<ImageSpec, "turns" | "options" | "n">): RequestPayload {
  const { turns, n } = request;
  const { aspect, size, pixels, seed, thinking, system } = request.options;
  const parts = turns.flatMap((turn) => turn.parts);
  const prompt = (turns.at(-1)?.parts ?? []).flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  const images = parts.filter((part) => part.type === "image").length;
  return {
    prompt: cut(prompt),
    parameters: present({
      aspect,
      size,
      pixels,
      n,
      seed,
      thinking,
      turns: turns.length,
      pictures: images,
      system_characters: system?.length,
    }),
  };
}

export function videoPayload(job: Pick<Job, "prompt" | "mode" | "aspect" | "resolution" | "seconds" | "sourceJobId">): RequestPayload {
  const { prompt, mode, aspect, resolution, seconds, sourceJobId } = job;
  return { prompt: cut(prompt), parameters: present({ mode, aspect, resolution, seconds, source_job: sourceJobId }) };
}

const present = (values: Record<string, unknown>): Record<string, Json> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null)) as Record<string, Json>;
