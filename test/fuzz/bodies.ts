// Bodies of every route, decoded: whatever passes the schema is decoded or refused by name.

import fc from "fast-check";
import { validator } from "../../src/api/body/validator.ts";
import { decodeCount, decodeGenerate } from "../../src/api/gemini/generate/decode.ts";
import { decodeInteraction } from "../../src/api/gemini/interactions/decode.ts";
import { CountBody, GenerateBody, InteractionBody, tolerant } from "../../src/api/gemini/schema.ts";
import { decodeChat } from "../../src/api/openai/chat/decode.ts";
import { decodeImages } from "../../src/api/openai/images/decode.ts";
import { ChatBody, ImagesBody, VideoBody } from "../../src/api/openai/schema.ts";
import { decodeVideo } from "../../src/api/openai/videos/decode.ts";
import { texts } from "./inputs.ts";
import type { Property } from "./properties.ts";

const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), texts);
const maybe = (value: fc.Arbitrary<unknown>) => fc.option(value, { nil: undefined, freq: 2 });
const record = (fields: Record<string, fc.Arbitrary<unknown>>) => fc.record(fields, { requiredKeys: [] });

const part = fc.oneof(
  texts,
  anything,
  record({
    type: fc.constantFrom("text", "image_url", "input_text", "input_image", "file", "video_url"),
    text: texts,
    image_url: fc.oneof(texts, record({ url: texts, file_id: texts })),
    file: anything,
    uri: texts,
  }),
  record({
    text: anything,
    inlineData: record({ mimeType: texts, data: texts }),
    inline_data: anything,
    fileData: record({ fileUri: texts }),
  }),
);
const options = {
  size: anything,
  quality: anything,
  n: anything,
  seed: anything,
  aspect_ratio: anything,
  image_config: anything,
  extra_body: anything,
  generationConfig: anything,
  generation_config: anything,
};
const chat = record({
  model: texts,
  messages: fc.array(
    record({
      role: fc.constantFrom("user", "assistant", "system", "developer", "tool"),
      content: fc.oneof(texts, fc.array(part, { maxLength: 4 })),
      images: maybe(fc.array(part)),
    }),
    { maxLength: 5 },
  ),
  modalities: maybe(fc.array(texts)),
  image: maybe(texts),
  ...options,
});
const media = fc.oneof(texts, anything, fc.array(part, { maxLength: 3 }));
const images = record({ prompt: texts, image: media, images: media, mask: media, ...options });
const videos = record({
  prompt: texts,
  model: texts,
  seconds: anything,
  input_reference: media,
  first_frame: media,
  video: media,
  frame_images: media,
  ...options,
});
const content = fc.oneof(
  texts,
  part,
  record({ role: fc.constantFrom("user", "model", "x"), parts: fc.oneof(part, fc.array(part, { maxLength: 4 })) }),
);
const generate = record({
  contents: fc.oneof(content, fc.array(content, { maxLength: 4 })),
  systemInstruction: content,
  generationConfig: anything,
  safetySettings: anything,
  tools: anything,
});
const interaction = record({
  model: texts,
  input: fc.oneof(texts, fc.array(part, { maxLength: 4 })),
  responseFormat: anything,
  generationConfig: anything,
  systemInstruction: content,
  webhookConfig: anything,
});

type Of = <T>(input: fc.Arbitrary<T>, check: (value: T) => void) => fc.IRawProperty<unknown>;
type Outcome = (work: () => unknown) => unknown;

export function bodyProperties(of: Of, outcome: Outcome): Property[] {
  const route = <B>(
    name: string,
    input: fc.Arbitrary<unknown>,
    validate: (value: unknown) => B,
    decode: (body: B) => unknown,
  ): Property => ({
    name: `bodies: ${name}`,
    // As they come from the wire.
    property: of(input, (body) => void outcome(() => decode(validate(JSON.parse(JSON.stringify(body) ?? "null"))))),
  });
  return [
    route("chat", fc.oneof(chat, anything), validator(ChatBody), decodeChat),
    route("images", fc.oneof(images, anything), validator(ImagesBody), (body) => decodeImages(body, "edit", "gemini-nano-banana-2.1")),
    route("videos", fc.oneof(videos, anything), validator(VideoBody), (body) => decodeVideo(body)),
    route("generateContent", fc.oneof(generate, anything), tolerant(GenerateBody), decodeGenerate),
    route("countTokens", fc.oneof(generate, anything), tolerant(CountBody), decodeCount),
    route("interactions", fc.oneof(interaction, anything), tolerant(InteractionBody), decodeInteraction),
  ];
}
