// Inbound bodies of the OpenAI surface. Tolerant: unknown fields pass, null counts as absent.
// Source: OpenAI API reference and the SDKs named in wire.md B (read 2026-11-23).
import { type Static, type TSchema, t } from "elysia";

const nullable = <S extends TSchema>(schema: S) => t.Optional(t.Union([schema, t.Null()]));
const text = () => nullable(t.String());

const Message = t.Object(
  {
    role: t.String(),
    content: t.Optional(t.Union([t.String(), t.Null(), t.Array(t.Unknown())])),
    images: nullable(t.Array(t.Unknown())),
  },
  { additionalProperties: true },
);

export const ChatBody = t.Object(
  {
    model: t.String({ minLength: 1, maxLength: 300, description: "A model id of GET /v1/models, or any alias that clients send" }),
    messages: t.Array(Message, { minItems: 1, description: "The conversation; pictures as image_url parts, data: URLs or our media URLs" }),
    stream: nullable(t.Boolean()),
    stream_options: nullable(t.Object({ include_usage: nullable(t.Boolean()) }, { additionalProperties: true })),
    n: nullable(t.Integer({ minimum: 1, maximum: 10 })),
    modalities: nullable(t.Array(t.String())),
    image_config: nullable(t.Object({ aspect_ratio: text(), image_size: text() }, { additionalProperties: true })),
    size: text(),
    quality: text(),
    aspect_ratio: text(),
    image_size: text(),
    seed: nullable(t.Integer()),
    image: text(),
    generationConfig: nullable(t.Object({}, { additionalProperties: true })),
    extra_body: nullable(t.Object({}, { additionalProperties: true })),
  },
  { additionalProperties: true },
);
export type ChatBody = Static<typeof ChatBody>;
