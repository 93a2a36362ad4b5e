// Request bodies of the Gemini dialect after `camelKeys`. Tolerant: unknown fields pass, the decoders check forms.
// Source: docs/wire/gemini.md.
import { type Static, type TSchema, t } from "elysia";
import { type Validator, validator } from "../body/body.ts";
import { camelKeys } from "./proto-json.ts";

const open = { additionalProperties: true } as const;
const anything = (description: string) => t.Optional(t.Unknown({ description }));
const object = (description: string) => t.Optional(t.Object({}, { ...open, description }));

export const GenerateBody = t.Object(
  {
    contents: t.Unknown({ description: "The conversation: a text, one content or a list; images as inlineData or fileData" }),
    systemInstruction: anything("A text or a content"),
    generationConfig: object("imageConfig, responseModalities, seed and thinkingConfig are honoured"),
  },
  open,
);
export type GenerateBody = Static<typeof GenerateBody>;

export const CountBody = t.Object(
  {
    contents: anything("As for generateContent"),
    systemInstruction: anything("As for generateContent"),
    generateContentRequest: object("The whole request instead"),
  },
  open,
);
export type CountBody = Static<typeof CountBody>;

export const PredictBody = t.Object(
  {
    instances: t.Unknown({ description: "One instance, in a list or by itself" }),
    parameters: object("sampleCount, aspectRatio, sampleImageSize, outputOptions; of videos durationSeconds, resolution, negativePrompt"),
    webhookConfig: object("uris: notified when a video has ended"),
  },
  open,
);
export type PredictBody = Static<typeof PredictBody>;

export const InteractionBody = t.Object(
  {
    model: t.String({ minLength: 1, maxLength: 300 }),
    input: t.Unknown({ description: "A text, content blocks or steps" }),
    background: t.Optional(t.Boolean()),
    stream: t.Optional(t.Boolean()),
    previousInteractionId: t.Optional(t.String()),
    systemInstruction: anything("A text; for images"),
    responseFormat: anything("type, aspect_ratio, resolution, duration, image_size, delivery; an object or a list of them"),
    responseModalities: t.Optional(t.Unknown()),
    generationConfig: object("video_config.task and seed are honoured"),
    webhookConfig: object("uris: notified at the end"),
  },
  open,
);
export type InteractionBody = Static<typeof InteractionBody>;

/** `fetchPredictOperation`. */
export const OperationBody = t.Object({ operationName: t.String({ minLength: 1, maxLength: 1000 }) }, open);

/** A validator for bodies in either spelling. */
export function tolerant<S extends TSchema>(schema: S): Validator<S> {
  const validate = validator(schema);
  return (value) => validate(camelKeys(value));
}
