// Request bodies of the OpenAI dialect. Tolerant: unknown fields pass, null counts as absent.
// Source: docs/wire/openai.md.
import { type Static, type TSchema, t } from "elysia";

const nullable = <S extends TSchema>(schema: S) => t.Optional(t.Union([schema, t.Null()]));
const text = () => nullable(t.String());
const textOrNumber = () => nullable(t.Union([t.String(), t.Number()]));
/** Any value passes here; `foldSeed` checks it. */
const anySeed = () => t.Optional(t.Unknown({ description: "A whole number of any size, or a text" }));
const amount = (description: string) => nullable(t.Union([t.String(), t.Number()], { description }));

/** Bounds of counts. The decoders apply them as well: forms and some clients send numbers as text. */
export const IMAGE_COUNT = { min: 1, max: 10 } as const;
export const COMPRESSION = { min: 0, max: 100 } as const;
export const PARTIALS = { min: 0, max: 3 } as const;

// Not t.Integer: it accepts digits as text, leaves them text and does not apply its bounds.
const count = ({ min, max }: { min: number; max: number }) =>
  nullable(t.Union([t.Number({ minimum: min, maximum: max, multipleOf: 1 }), t.String()]));

const Message = t.Object(
  {
    role: t.String(),
    content: t.Optional(t.Union([t.String(), t.Null(), t.Array(t.Unknown(), { maxItems: 1024 })])),
    images: nullable(t.Array(t.Unknown(), { maxItems: 256 })),
  },
  { additionalProperties: true },
);

export const ChatBody = t.Object(
  {
    model: t.String({ minLength: 1, maxLength: 300, description: "A model id of GET /v1/models, or any alias that clients send" }),
    messages: t.Array(Message, {
      minItems: 1,
      maxItems: 4096,
      description: "The conversation; images as image_url parts, data: URLs or our media URLs",
    }),
    stream: nullable(t.Boolean()),
    stream_options: nullable(t.Object({ include_usage: nullable(t.Boolean()) }, { additionalProperties: true })),
    n: count(IMAGE_COUNT),
    modalities: nullable(t.Array(t.String(), { maxItems: 16 })),
    image_config: nullable(t.Object({ aspect_ratio: text(), image_size: textOrNumber() }, { additionalProperties: true })),
    size: textOrNumber(),
    quality: text(),
    aspect_ratio: text(),
    image_size: textOrNumber(),
    seed: anySeed(),
    seconds: amount("Length of a video"),
    duration: amount("As seconds"),
    resolution: amount("Of a video: 720p, 1080p, …"),
    webhook_url: nullable(t.String({ description: "Notified when a video has ended" })),
    image: text(),
    generationConfig: nullable(t.Object({}, { additionalProperties: true })),
    extra_body: nullable(t.Object({}, { additionalProperties: true })),
  },
  { additionalProperties: true },
);
export type ChatBody = Static<typeof ChatBody>;

/** Images in any form that references.ts understands. */
const images = (description: string) => t.Optional(t.Unknown({ description }));

/** Generations and edits: the same options, edits with images. */
export const ImagesBody = t.Object(
  {
    prompt: t.String({ minLength: 1, maxLength: 32_000 }),
    model: nullable(t.String({ minLength: 1, maxLength: 300 })),
    n: count(IMAGE_COUNT),
    size: textOrNumber(),
    quality: text(),
    background: nullable(t.Union([t.Boolean(), t.String()], { description: "true: answer 202 and work as a job" })),
    output_format: text(),
    output_compression: count(COMPRESSION),
    partial_images: count(PARTIALS),
    stream: nullable(t.Boolean()),
    response_format: text(),
    aspect_ratio: text(),
    image_size: textOrNumber(),
    resolution: textOrNumber(),
    seed: anySeed(),
    negative_prompt: text(),
    image: images("One image or several: URL, data URL, {image_url} or {file_id}"),
    images: images("As image"),
    input_references: images("As image"),
    mask: images("PNG whose transparent area is to be changed"),
    webhook_url: text(),
  },
  { additionalProperties: true },
);
export type ImagesBody = Static<typeof ImagesBody>;

/** Videos of every route: from a prompt, with images, or from the video that an edit or an extension names. */
export const VideoBody = t.Object(
  {
    prompt: t.String({ minLength: 1, maxLength: 32_000 }),
    model: nullable(
      t.String({ minLength: 1, maxLength: 300, description: "A video model of GET /v1/models, or any alias that clients send" }),
    ),
    seconds: amount("Length; the nearest that the model makes"),
    duration: amount("As seconds"),
    size: amount('"1280x720", "720x1280", …; "16:9" and "720p" are understood too'),
    resolution: amount('"360p", "720p", "1080p" or "4k"'),
    aspect_ratio: text(),
    input_reference: images("An image to begin with: file, URL, data URL, {image_url} or {file_id}; several: references"),
    input_references: images("Images to go by, in the same forms"),
    reference_images: images("As input_references"),
    frame_images: t.Optional(t.Unknown({ description: "First and last image, with frame_type first_frame or last_frame" })),
    first_frame: images("First image"),
    last_frame: images("Last image"),
    negative_prompt: text(),
    seed: anySeed(),
    video: t.Optional(
      t.Unknown({ description: "Of edits and extensions: {id} of a video or of an uploaded file, a media URL, or a file" }),
    ),
    webhook_url: text(),
  },
  { additionalProperties: true },
);
export type VideoBody = Static<typeof VideoBody>;

const LooseObject = t.Record(t.String(), t.Unknown());

export const ResponsesBody = t.Object(
  {
    model: t.String({ minLength: 1, maxLength: 300, description: "An image model, or any other: then that of the image_generation tool" }),
    input: t.Union([t.String({ minLength: 1 }), t.Array(LooseObject, { minItems: 1, maxItems: 4096 })], {
      description: "A prompt, or items: messages, image_generation_call items of earlier answers, item references",
    }),
    instructions: text(),
    stream: nullable(t.Boolean()),
    tools: nullable(t.Array(LooseObject, { maxItems: 512 })),
    tool_choice: t.Optional(t.Unknown()),
    previous_response_id: text(),
    seed: anySeed(),
    store: nullable(t.Boolean()),
    metadata: nullable(LooseObject),
  },
  { additionalProperties: true },
);
export type ResponsesBody = Static<typeof ResponsesBody>;
