// :countTokens: an estimate from characters and images; no upstream is asked.

import { type Api, type Call, modelOf } from "../call.ts";
import { CountBody, tolerant } from "../schema.ts";
import { decodeCount } from "./decode.ts";
import { modalities } from "./encode.ts";

const validateCount = tolerant(CountBody);

/** Tokens of an image: 560 where the model is Gemini 3 Pro Image, else 258 (pricing pages, read 2026-11-23). */
const PRO_IMAGE_TOKENS = 560;
const IMAGE_TOKENS = 258;
const CHARACTERS_PER_TOKEN = 4;

/** countTokens: an estimate that costs nothing; no upstream is asked and no image is read. */
export async function countTokens(api: Api, call: Call, model: string): Promise<Response> {
  const choice = modelOf(model);
  using body = await api.bodies.json(call.request, validateCount);
  const { texts, images } = decodeCount(body.value);
  const text = texts.reduce((sum, one) => sum + Math.ceil(one.length / CHARACTERS_PER_TOKEN), 0);
  const each = choice.families[0] === "gemini-3-pro-image" ? PRO_IMAGE_TOKENS : IMAGE_TOKENS;
  return Response.json({ totalTokens: text + images * each, promptTokensDetails: modalities(text, images * each) });
}
