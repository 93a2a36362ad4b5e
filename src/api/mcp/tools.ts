// The MCP tools: names, descriptions for the model, arguments, and what runs each.

import type { TSchema } from "elysia";
import { isRecord } from "../../domain/is-record.ts";
import { AppError } from "../../errors.ts";
import { type Validator, validator } from "../body/body.ts";
import type { Api, Call, ToolResult } from "./call.ts";
import { editImage, generateImage } from "./images.ts";
import { getJob } from "./jobs.ts";
import { listModels } from "./models.ts";
import { EditArguments, ImageArguments, JobArguments, ModelsArguments, VideoArguments } from "./schema.ts";
import { generateVideo } from "./videos.ts";

/** What a client may show of a tool before it is called. */
type Facts = { title: string; description: string; readsOnly: boolean };

export type Tool = Facts & {
  name: string;
  schema: TSchema;
  /** Makes videos, which are jobs. */
  isOfJobs: boolean;
  /** @throws {AppError} what is wrong with the arguments, and how the call failed */
  run(api: Api, call: Call, given: unknown): ToolResult | Promise<ToolResult>;
};

function tool<S extends TSchema>(
  name: string,
  schema: S,
  facts: Facts & { isOfJobs?: boolean },
  run: (api: Api, call: Call, given: ReturnType<Validator<S>>) => ToolResult | Promise<ToolResult>,
): Tool {
  const validate = validator(schema);
  return { name, schema, isOfJobs: false, ...facts, run: (api, call, given) => run(api, call, validate(argumentsOf(name, given))) };
}

/** Names that models write in place of ours, by tool. */
const ALIASES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  edit_image: { image: "images", image_url: "images", image_urls: "images" },
  generate_video: { image: "first_frame", images: "reference_images", duration: "seconds", video_id: "video" },
  get_job: { job_id: "id", video_id: "id" },
};

/** No arguments at all are an object without any. */
function argumentsOf(name: string, given: unknown): object {
  if (given === undefined || given === null) return {};
  if (!isRecord(given)) throw new AppError("invalid_request", "The arguments must be an object.");
  const renamed: Record<string, unknown> = { ...given };
  for (const [alias, meant] of Object.entries(ALIASES[name] ?? {})) renamed[meant] ??= given[alias];
  return renamed;
}

export const TOOLS: readonly Tool[] = [
  tool(
    "generate_image",
    ImageArguments,
    {
      title: "Generate an image",
      description: "Makes an image from a description. The result has a preview, a link to the full image, and the same as Markdown.",
      readsOnly: false,
    },
    generateImage,
  ),
  tool(
    "edit_image",
    EditArguments,
    {
      title: "Edit an image",
      description:
        "Changes images, combines them, or makes a new one by them. For a further change of a result give the link that the result had.",
      readsOnly: false,
    },
    editImage,
  ),
  tool(
    "generate_video",
    VideoArguments,
    {
      title: "Generate a video",
      description: "Starts a video from a description, images, or another video. Returns the id of a job at once: call get_job with it.",
      readsOnly: false,
      isOfJobs: true,
    },
    generateVideo,
  ),
  tool(
    "get_job",
    JobArguments,
    {
      title: "Get a job",
      description: "State of a job, and its video once it is done. wait_seconds waits for the end, which saves calls.",
      readsOnly: true,
      isOfJobs: true,
    },
    getJob,
  ),
  tool(
    "list_models",
    ModelsArguments,
    {
      title: "List the models",
      description: "The models that can be used here, with shapes, sizes and lengths. Not needed for a first image or video.",
      readsOnly: true,
    },
    listModels,
  ),
];
