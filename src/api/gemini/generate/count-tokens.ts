// :countTokens: an estimate from characters and images; no upstream is asked.

import { type Api, type Call, modelOf } from "../call.ts";
import { CountBody, tolerant } from "../schema.ts";
import { decodeCount } from "./decode.ts";
import { modalities } from "./encode.ts";

const validateCount = tolerant(CountBody);

const CHARACTERS_PER_TOKEN = 4;

/** countTokens: an estimate that costs nothing; no upstream is asked and no image is read. */
export async function countTokens(api: Api, call: Call, model: string): Promise<Response> {
  const catalogue = api.catalogue();
  const choice = modelOf(catalogue, model);
  using body = await api.bodies.json(call.request, validateCount);
  const { texts, images } = decodeCount(body.value);
  const text = texts.reduce((sum, one) => sum + Math.ceil(one.length / CHARACTERS_PER_TOKEN), 0);
  const each = catalogue.familyOf(choice.families[0])!.inputImageTokens;
  return Response.json({ totalTokens: text + images * each, promptTokensDetails: modalities(text, images * each) });
}
