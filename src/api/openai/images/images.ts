// POST /v1/images/generations and /v1/images/edits: images whole, streamed, or as a job.

import type { GenerateEvent } from "../../../domain/generation.ts";
import type { Run } from "../../../gateway/generation/contract.ts";
import { hearAll, type Listener } from "../../../gateway/generation/event-log.ts";
import { fileIdOf, type LeftOut } from "../../../gateway/generation/inputs/inputs.ts";
import type { InputReference } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import { type Form, validator } from "../../body/body.ts";
import { fieldName, formObject } from "../../body/form-object.ts";
import { isMultipart } from "../../body/multipart.ts";
import { sendEarly } from "../../early-bytes.ts";
import { responseHeaders } from "../../generation-headers.ts";
import { jsonWithBytes } from "../../json-bytes.ts";
import type { MadeImage } from "../../links.ts";
import { FIRST_COMMENT_MS, streamSource } from "../../sse.ts";
import { asDone } from "../../whole-response.ts";
import { type Api, type Call, type ImageOrder, prepareImages, startPrepared } from "../call.ts";
import { errorBody, withoutImage } from "../errors.ts";
import { fileReference } from "../references.ts";
import { ImagesBody } from "../schema.ts";
import { type DecodedImages, decodeImages, FORM_FIELDS, type ImageEcho, MAX_IMAGES, tooManyImages } from "./decode.ts";
import type { StreamName } from "./encode.ts";
import { ImageFrames } from "./image-frames.ts";
import { startImageJob, wantsJob } from "./jobs.ts";
import { imagesBody } from "./response.ts";

export type ImagesKind = "generation" | "edit";

const ROUTES = { generation: "POST /v1/images/generations", edit: "POST /v1/images/edits" } as const;
const STREAMS = { generation: "image_generation", edit: "image_edit" } as const satisfies Record<ImagesKind, StreamName>;

const validate = validator(ImagesBody);

/** @throws {AppError} everything that is known before an upstream is called; without streaming also what the upstream says */
export async function images(api: Api, call: Call, kind: ImagesKind): Promise<Response> {
  const { request } = call;
  let begun: Response | ImagesResponse;
  if (isMultipart(request)) begun = await beginWithForm(api, call, kind);
  else {
    // The body's bytes count until the images that it names are stored.
    using body = await api.bodies.json(request, validate);
    begun = await begin(api, call, kind, decodeImages(body.value, kind, api.catalogue().defaultFamily("image")));
  }
  return begun instanceof Response ? begun : sendEarly(begun);
}

/** As of a JSON body. Files that were not stored are deleted. */
async function beginWithForm(api: Api, call: Call, kind: ImagesKind): Promise<Response | ImagesResponse> {
  await using form = await api.bodies.form(call.request, api.media, api.settings.current().media.fetch_limit_mb);
  const body = validate(formObject(form, FORM_FIELDS));
  const decoded = decodeImages(body, kind, api.catalogue().defaultFamily("image"), await storeUploads(api, call, form));
  return await begin(api, call, kind, decoded);
}

/** A response that is whole already, a job or a stream; else the one that hears the generation. */
async function begin(api: Api, call: Call, kind: ImagesKind, decoded: DecodedImages): Promise<Response | ImagesResponse> {
  const order = orderOf(decoded, kind);
  if (wantsJob(call.request, decoded)) return startImageJob(api, call, order);
  const preparing = prepareImages(api, call, order);
  const prepared = preparing instanceof Promise ? await preparing : preparing;
  const run = await startPrepared(api, call, order, prepared);
  if (!decoded.stream) return new ImagesResponse(api, call, decoded, { run, leftOut: prepared.leftOut });
  const frames = new ImageFrames(api, decoded, { run, stop: prepared.stop, name: STREAMS[kind] });
  return streamSource(frames, { clock: api.clock, firstMs: FIRST_COMMENT_MS, headers: responseHeaders(run, prepared.leftOut) });
}

const IMAGE_FIELDS: ReadonlySet<string> = new Set(["image", "images", "input_reference", "input_references"]);

/** Stores the images of a form as inputs. Files in other fields are ignored. */
async function storeUploads(api: Api, { key, requestId }: Call, { files }: Form) {
  const images = files.filter(({ field }) => IMAGE_FIELDS.has(fieldName(field)));
  if (images.length > MAX_IMAGES) throw tooManyImages(images.length);
  const keep = async ({ field, draft }: Form["files"][number]): Promise<InputReference> => {
    const accept = { kinds: ["image" as const], param: field };
    const { id } = await api.media.store(draft, { origin: "input", keyId: key.id, requestId, accept });
    return fileReference(fileIdOf(id), field);
  };
  return {
    images: await Promise.all(images.map(keep)),
    mask: await Promise.all(files.filter(({ field }) => fieldName(field) === "mask").map(keep)),
  };
}

function orderOf(decoded: DecodedImages, kind: ImagesKind): ImageOrder {
  const { output, form, quality } = decoded;
  const echo: ImageEcho = { output, form, quality };
  return { ...decoded, echo, route: ROUTES[kind], imagesParam: "image", returnsBytes: form === "b64_json" };
}

/** A response in one piece: hears its generation, and is sent at its end. */
class ImagesResponse implements Listener<GenerateEvent> {
  private readonly made: MadeImage[] = [];
  private text = "";

  constructor(
    readonly api: Api,
    private readonly call: Call,
    private readonly decoded: DecodedImages,
    private readonly started: { run: Run; leftOut: readonly LeftOut[] },
  ) {}

  get startedAt(): number {
    return this.call.startedAt;
  }

  readonly errorBody = errorBody;

  /** Of the end rather than the beginning: a retired model is known by then. */
  headers(): Readonly<Record<string, string>> {
    return responseHeaders(this.started.run, this.started.leftOut);
  }

  hear(event: GenerateEvent): void {
    if (event.type === "text") this.text += event.text;
    else if (event.type === "image") this.made.push(event);
  }

  /** @throws {AppError} what the generation fails with */
  async whole(): Promise<Response> {
    const { made } = this;
    const { run } = this.started;
    const done = asDone(await hearAll(run.events, this));
    if (made.length === 0) throw withoutImage(done, this.text);
    const making = imagesBody(this.api, this.call, { made, usage: done.usage }, this.decoded);
    const body = making instanceof Promise ? await making : making;
    return jsonWithBytes(body, this.headers(), run);
  }
}
