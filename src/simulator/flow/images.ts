// Flow's image endpoints: upload, generate, upscale. Bodies of both kinds seen in the wild: current and December 2025.
import { type Exchange, type Fields, fieldsOf, isFields, jsonReply, listOf, type Reply, textOf } from "../exchange.ts";
import { googleError, invalidArgument, refusalOf } from "../google-errors.ts";
import { pixelsOf, type RenderedType, renderedImage } from "../media/images.ts";
import { decodeBase64, hashBytes, sniff } from "../media/input-media.ts";
import type { World } from "../world.ts";
import { checkProject, flowBody, tierOf } from "./accounts.ts";
import { type FlowMedia, findMedia, signedLink, storeMedia } from "./media.ts";

const IMAGE_MODELS: Record<string, RenderedType> = {
  GEM_PIX: "image/png",
  GEM_PIX_2: "image/jpeg",
  NARWHAL: "image/jpeg",
  HARBOR_SEAL: "image/jpeg",
  IMAGEN_3_5: "image/png",
};

const ASPECTS: Record<string, string> = {
  IMAGE_ASPECT_RATIO_LANDSCAPE: "16:9",
  IMAGE_ASPECT_RATIO_PORTRAIT: "9:16",
  IMAGE_ASPECT_RATIO_SQUARE: "1:1",
  IMAGE_ASPECT_RATIO_LANDSCAPE_FOUR_THREE: "4:3",
  IMAGE_ASPECT_RATIO_PORTRAIT_THREE_FOUR: "3:4",
};

const MOST_REQUESTS = 4;
const MOST_INPUTS = 10;

const wrong = (field: string) => invalidArgument("Request contains an invalid argument.", field);

/** `flow/uploadImage`, and `:uploadUserImage` when `legacy`. */
export function uploadImage({ incoming, world }: Exchange, account: string, legacy: boolean): Reply {
  const body = flowBody(incoming);
  const source = legacy ? fieldsOf(body.imageInput) : body;
  const context = fieldsOf(body.clientContext);
  const bytes = decodeBase64(textOf(legacy ? source.rawImageBytes : source.imageBytes));
  if (!bytes || !sniff(bytes)?.startsWith("image/")) throw wrong(legacy ? "image_input.raw_image_bytes" : "image_bytes");
  if (!textOf(source.mimeType).startsWith("image/")) throw wrong("mime_type");
  if (context.tool !== (legacy ? "ASSET_MANAGER" : "PINHOLE")) throw wrong("client_context.tool");
  checkSession(context);
  const projectId = textOf(context.projectId);
  checkProject(world, account, projectId);
  const name = legacy ? `CAM${world.id(40)}` : world.uuid();
  storeMedia(world, { name, account, projectId, upload: { hash: hashBytes(bytes) } });
  if (legacy) return jsonReply({ mediaGenerationId: { mediaGenerationId: name } });
  return jsonReply({ media: { name, projectId, image: { uploadedImage: { fileName: textOf(body.fileName) } } } });
}

/** `sessionId` is a semicolon and unix milliseconds; the tool, when named, is one of Labs'. @throws {Refusal} 400 */
export function checkSession(context: Fields): void {
  if (!/^;\d{13}$/.test(textOf(context.sessionId))) throw wrong("client_context.session_id");
  const { tool } = context;
  if (tool !== undefined && tool !== "PINHOLE" && tool !== "ASSET_MANAGER") throw wrong("client_context.tool");
}

/** `flowMedia:batchGenerateImages`: answers when every image is made. */
export async function generateImages(exchange: Exchange, account: string, projectId: string): Promise<Reply> {
  const { incoming, world } = exchange;
  const requests = listOf(flowBody(incoming).requests);
  checkProject(world, account, projectId);
  if (requests.length === 0 || requests.length > MOST_REQUESTS) throw wrong("requests");
  const made = requests.map((request, index) => readRequest(exchange, { account, projectId }, request, `requests[${index}]`));
  exchange.accept(made.length, exchange.content?.fault !== "empty");
  if (exchange.content?.fault === "empty") return jsonReply({ media: [] });
  await Promise.all(made.map((entry) => renderedImage(entry.image!.request)));
  return jsonReply({
    media: made.map((entry) => mediaOf(world, incoming.origin, entry)),
    workflows: made.map((entry) => workflowOf(entry)),
  });
}

type Owner = { account: string; projectId: string };

function readRequest({ world, content }: Exchange, { account, projectId }: Owner, value: unknown, place: string): FlowMedia {
  const request = fieldsOf(value);
  checkSession(fieldsOf(request.clientContext));
  const model = textOf(request.imageModelName);
  const usual = IMAGE_MODELS[model];
  if (!usual) throw wrong(`${place}.image_model_name`);
  const aspect = textOf(request.imageAspectRatio);
  if (!ASPECTS[aspect]) throw wrong(`${place}.image_aspect_ratio`);
  if (!Number.isInteger(request.seed) || Number(request.seed) < 1 || Number(request.seed) > 999_999) throw wrong(`${place}.seed`);
  const prompt = promptOf(request);
  if (prompt.trim() === "") throw wrong(`${place}.prompt`);
  const type = content?.fault === "png" ? "image/png" : content?.fault === "jpeg" ? "image/jpeg" : usual;
  const [width, height] = pixelsOf(ASPECTS[aspect], "1K")!;
  const seed = world.seed + Number(request.seed);
  const image = { request: { prompt, seed, width, height, type, inputs: readInputs(world, account, request, place) }, model, aspect };
  return storeMedia(world, { name: world.uuid(), account, projectId, image });
}

/** The prompt in either form: `prompt`, or the parts of `structuredPrompt`. */
export function promptOf(request: Fields): string {
  const parts = listOf(fieldsOf(request.structuredPrompt).parts);
  return parts.length > 0 ? parts.map((part) => textOf(fieldsOf(part).text)).join("\n") : textOf(request.prompt);
}

function readInputs(world: World, account: string, request: Fields, place: string): number[] {
  const inputs = listOf(request.imageInputs);
  if (inputs.length > MOST_INPUTS) throw wrong(`${place}.image_inputs`);
  return inputs.map((input) => {
    if (!isFields(input) || input.imageInputType !== "IMAGE_INPUT_TYPE_REFERENCE") throw wrong(`${place}.image_inputs.image_input_type`);
    return inputHash(findMedia(world, account, input.name));
  });
}

/** What a media item adds to a drawing made from it. */
export function inputHash(entry: FlowMedia): number {
  return entry.upload?.hash ?? hashBytes(new TextEncoder().encode(entry.name));
}

function mediaOf(world: World, origin: string, entry: FlowMedia): Fields {
  const { request, model, aspect } = entry.image!;
  return {
    name: entry.name,
    projectId: entry.projectId,
    workflowId: entry.name,
    image: {
      generatedImage: {
        seed: request.seed,
        prompt: request.prompt,
        modelNameType: model,
        aspectRatio: aspect,
        fifeUrl: signedLink(world, origin, entry),
      },
      dimensions: { width: request.width, height: request.height },
    },
  };
}

/** A workflow groups what was made from one submission; ours hold one media item each. */
export function workflowOf(entry: FlowMedia): Fields {
  const now = new Date().toISOString();
  return {
    name: entry.name,
    metadata: { displayName: "Simulated", createTime: now, updateTime: now, primaryMediaId: entry.name },
    projectId: entry.projectId,
  };
}

const UPSCALES = { UPSAMPLE_IMAGE_RESOLUTION_2K: 2, UPSAMPLE_IMAGE_RESOLUTION_4K: 4 } as const;

/** `flow/upsampleImage`: a JPEG of two or four times the pixels. 4K needs the highest plan, uploads cannot be upscaled. */
export async function upscaleImage(exchange: Exchange, account: string): Promise<Reply> {
  const body = flowBody(exchange.incoming);
  checkSession(fieldsOf(body.clientContext));
  const target = body.targetResolution;
  if (target !== "UPSAMPLE_IMAGE_RESOLUTION_2K" && target !== "UPSAMPLE_IMAGE_RESOLUTION_4K") throw wrong("target_resolution");
  const entry = findMedia(exchange.world, account, body.mediaId);
  if (!entry.image) throw wrong("media_id");
  if (target === "UPSAMPLE_IMAGE_RESOLUTION_4K" && tierOf(account) !== "PAYGATE_TIER_TWO") throw tierTooLow();
  exchange.accept(1, true);
  const { request } = entry.image;
  const factor = UPSCALES[target];
  const larger = await renderedImage({ ...request, width: request.width * factor, height: request.height * factor, type: "image/jpeg" });
  return jsonReply({ encodedImage: larger.base64 });
}

/** What an account gets that asks for more than its plan holds. */
export function tierTooLow() {
  const details = [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "PUBLIC_ERROR_MODEL_ACCESS_DENIED" }];
  return refusalOf(googleError(403, "The caller does not have permission", details));
}
