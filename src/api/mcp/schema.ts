// Arguments of the MCP tools. Tolerant: unknown arguments pass, null counts as absent, numbers may be texts.
import { type Static, type TSchema, t } from "elysia";
import { RESOLUTIONS } from "../../domain/generation.ts";

const nullable = <S extends TSchema>(schema: S) => t.Optional(t.Union([schema, t.Null()]));
const loose = { additionalProperties: true } as const;

/** Bounds of counts; the tools apply them as well, since models write numbers as texts too. */
export const IMAGE_COUNT = { min: 1, max: 10 } as const;
export const VIDEO_SECONDS = { min: 1, max: 3600 } as const;
export const WAIT_SECONDS = { min: 0, max: 50 } as const;

const whole = ({ min, max }: { min: number; max: number }, description: string) =>
  nullable(t.Union([t.Number({ minimum: min, maximum: max, multipleOf: 1 }), t.String()], { description }));

const prompt = (description: string) => t.String({ minLength: 1, maxLength: 32_000, pattern: "\\S", description });
const text = (description: string) => nullable(t.String({ description, maxLength: 4096 }));
/** A link, a data URL, or the id of an uploaded file. */
const reference = (description: string) => t.String({ minLength: 1, description });
const seed = nullable(
  t.Union([t.Number({ multipleOf: 1 }), t.String()], { description: "The same seed and prompt give a similar result" }),
);

const repetition = {
  idempotency_key: text("Calls with the same key and arguments within a day are one call: it is made and charged once"),
  again: nullable(t.Boolean({ description: "Make a new call although the same one has just ended; only when the person asks for that" })),
};

const imageOptions = {
  model: text("A model id of list_models; absent: the recommended one"),
  aspect_ratio: text('Such as "1:1", "16:9", "9:16", "4:3"; absent: square, or that of the input image'),
  size: text('"1K", "2K" or "4K"; a larger one costs more'),
  n: whole(IMAGE_COUNT, "Number of images, each charged; 1 unless the person asks for more"),
  seed,
  ...repetition,
};

export const ImageArguments = t.Object({ prompt: prompt("What the image shows, in full sentences"), ...imageOptions }, loose);
export type ImageArguments = Static<typeof ImageArguments>;

export const EditArguments = t.Object(
  {
    prompt: prompt("What to change, or what to make of the images"),
    images: t.Union([t.Array(reference("An image"), { minItems: 1, maxItems: 16 }), reference("One image")], {
      description: "Images to change or to go by: links that earlier results gave, https links, data URLs, or file ids",
    }),
    ...imageOptions,
  },
  loose,
);
export type EditArguments = Static<typeof EditArguments>;

export const VideoArguments = t.Object(
  {
    prompt: prompt("What happens in the video; for an edit, what to change"),
    model: text("A video model id of list_models; absent: the recommended one"),
    aspect_ratio: text('"16:9" or "9:16"'),
    resolution: nullable(
      t.Union(
        RESOLUTIONS.map((resolution) => t.Literal(resolution)),
        { description: "A larger one costs more" },
      ),
    ),
    seconds: whole(VIDEO_SECONDS, "Length; the nearest that the model makes"),
    first_frame: nullable(reference("Image that the video begins with: link, data URL or file id")),
    last_frame: nullable(reference("Image that it ends with")),
    reference_images: nullable(
      t.Union([t.Array(reference("An image"), { minItems: 1, maxItems: 16 }), reference("One image")], { description: "Images to go by" }),
    ),
    video: nullable(reference("Video to edit: the id of its job, a link, or a file id")),
    extend: nullable(t.Boolean({ description: "Continue the video instead of editing it" })),
    seed,
    ...repetition,
  },
  loose,
);
export type VideoArguments = Static<typeof VideoArguments>;

export const JobArguments = t.Object(
  {
    id: t.String({ minLength: 1, maxLength: 100, description: "Id that generate_video gave" }),
    wait_seconds: whole(WAIT_SECONDS, "How long to wait for the end before answering; clients give up after 60"),
  },
  loose,
);
export type JobArguments = Static<typeof JobArguments>;

export const ModelsArguments = t.Object(
  { kind: nullable(t.Union([t.Literal("image"), t.Literal("video")], { description: "Only models of this kind" })) },
  loose,
);
export type ModelsArguments = Static<typeof ModelsArguments>;

type Json = { [name: string]: unknown };

/**
 * The schema as clients see it: of several forms the first, without null. Clients hand it to models of many vendors, not all of
 * which read `anyOf` and `const`.
 */
export function listedSchema(schema: TSchema): { type: "object" } & Json {
  return simple(JSON.parse(JSON.stringify(schema)) as Json) as { type: "object" } & Json;
}

function simple({ anyOf, multipleOf, pattern, ...schema }: Json): Json {
  const members = (anyOf as Json[] | undefined)?.filter(({ type }) => type !== "null") ?? [];
  const consts = members.map((member) => member.const);
  if (members.length > 0 && !consts.includes(undefined)) return { ...schema, type: "string", enum: consts };
  if (members.length > 0) return { ...simple(members[0]!), ...schema };
  if (multipleOf === 1) return { ...schema, type: "integer" };
  if (schema.type === "array") return { ...schema, items: simple(schema.items as Json) };
  if (schema.type !== "object") return schema;
  const properties = Object.entries(schema.properties as Record<string, Json>).map(([name, one]) => [name, simple(one)]);
  return { ...schema, properties: Object.fromEntries(properties) };
}
