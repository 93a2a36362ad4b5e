// Requests of generateContent that want words or JSON: answered here, no image is made and nothing is charged. Pure.
import { AppError } from "../../errors.ts";
import { fieldsOf, listOf, textOf } from "./proto-json.ts";
import type { GenerateBody } from "./schema.ts";

/** What is said where words alone are wanted. */
export const TEXT_ANSWER =
  "This model makes images and videos and answers no questions in text. Ask for an image, or leave out responseModalities.";

/**
 * Whether words alone are wanted.
 * @throws {AppError} `invalid_request` when JSON is: an image is none
 */
export function wantsText({ generationConfig }: Pick<GenerateBody, "generationConfig">): boolean {
  const config = fieldsOf(generationConfig);
  const schema = ["responseSchema", "responseJsonSchema"].find((name) => Object.keys(fieldsOf(config[name])).length > 0);
  if (/json/i.test(textOf(config.responseMimeType) ?? "") || schema) {
    const param = `generationConfig.${schema ?? "responseMimeType"}`;
    throw new AppError("invalid_request", `${param}: this model makes images and videos, it does not answer in JSON.`, { param });
  }
  const modalities = listOf(config.responseModalities).map((one) => String(one).toUpperCase());
  return modalities.includes("TEXT") && !modalities.includes("IMAGE") && !modalities.includes("VIDEO");
}
