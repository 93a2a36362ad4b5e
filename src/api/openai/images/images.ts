// POST /v1/images/generations and /v1/images/edits: images whole, streamed, or as a job.

import type { GenerateEvent } from "../../../domain/generation.ts";
import { NO_USAGE } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import type { Listener } from "../../../gateway/generation/event-log.ts";
import { fileIdOf } from "../../../gateway/generation/inputs/inputs.ts";
import type { InputReference } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import { type Form, validator } from "../../body/body.ts";
import { fieldName, formObject } from "../../body/form-object.ts";
import { isMultipart } from "../../body/multipart.ts";
import { sendEarly } from "../../early-bytes.ts";
import { responseHeaders } from "../../generation-headers.ts";
import { renderMade } from "../../image-output.ts";
import { jsonWithBytes } from "../../json-bytes.ts";
import type { MadeImage } from "../../links.ts";
import { COMMENT, FIRST_COMMENT_MS, frame, streamFrames } from "../../sse.ts";
import { readWhole } from "../../whole-response.ts";
import { type Api, type Call, type ImageOrder, type StartedImages, startImages } from "../call.ts";
import { type Done, errorBody, withoutImage } from "../errors.ts";
import { fileReference } from "../references.ts";
import { ImagesBody } from "../schema.ts";
import { type DecodedImages, decodeImages, FORM_FIELDS, type ImageEcho, MAX_IMAGES, tooManyImages } from "./decode.ts";
import { encodeCompleted, encodePartial, type StreamName } from "./encode.ts";
import { startImageJob, wantsJob } from "./jobs.ts";
import { base64Of, imagesBody } from "./response.ts";

export type ImagesKind = "generation" | "edit";

const ROUTES = { generation: "POST /v1/images/generations", edit: "POST /v1/images/edits" } as const;
const STREAMS = { generation: "image_generation", edit: "image_edit" } as const satisfies Record<ImagesKind, StreamName>;

const validate = validator(ImagesBody);

/** @throws {AppError} everything that is known before an upstream is called; without streaming also what the upstream says */
export async function images(api: Api, call: Call, kind: ImagesKind): Promise<Response> {
  const started = await withBody(api, call, kind, async (decoded) => {
    const order = orderOf(decoded, kind);
    if (wantsJob(call.request, decoded)) return startImageJob(api, call, order);
    return { decoded, ...(await startImages(api, call, order)) };
  });
  if (started instanceof Response) return started;
  const { decoded, run, leftOut, stop } = started;
  if (!decoded.stream) return sendEarly(new ImagesResponse(api, call, started));
  const frames = imageFrames(api, run.events, decoded, STREAMS[kind]);
  return streamFrames(frames, {
    clock: api.clock,
    heartbeat: COMMENT,
    firstMs: FIRST_COMMENT_MS,
    headers: responseHeaders(run, leftOut),
    onCancel: stop,
    onEnd: () => run.delivered?.(),
  });
}

/** Runs `act` on the decoded body. The body's bytes count until then only: images are stored by the time it resolves. */
async function withBody<T>(api: Api, call: Call, kind: ImagesKind, act: (decoded: DecodedImages) => Promise<T>): Promise<T> {
  const { request } = call;
  if (!isMultipart(request)) {
    using body = await api.bodies.json(request, validate);
    return await act(decodeImages(body.value, kind, api.catalogue().defaultFamily("image")));
  }
  await using form = await api.bodies.form(request, api.media, api.settings.current().media.fetch_limit_mb);
  const body = validate(formObject(form, FORM_FIELDS));
  return await act(decodeImages(body, kind, api.catalogue().defaultFamily("image"), await storeUploads(api, call, form)));
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

const orderOf = ({ output, form, quality, ...decoded }: DecodedImages, kind: ImagesKind): ImageOrder => ({
  ...decoded,
  echo: { output, form, quality } satisfies ImageEcho,
  route: ROUTES[kind],
  imagesParam: "image",
  returnsBytes: form === "b64_json",
});

/** A response in one piece: hears its generation, and is sent at its end. */
class ImagesResponse implements Listener<GenerateEvent> {
  private readonly made: MadeImage[] = [];
  private text = "";

  constructor(
    readonly api: Api,
    private readonly call: Call,
    private readonly started: StartedImages & { decoded: DecodedImages },
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
    const { run, decoded } = this.started;
    const done = await readWhole(run.events, this);
    if (made.length === 0) throw withoutImage(done, this.text);
    const body = await imagesBody(this.api, this.call, { made, usage: done.usage }, decoded);
    return jsonWithBytes(body, { headers: this.headers(), onSent: () => run.delivered?.() });
  }
}

/**
 * The events of a streamed response, one `completed` per image. Usage is known at the end: the last event has it, earlier ones have zeros.
 */
async function* imageFrames(
  api: Api,
  events: AsyncIterable<GenerateEvent>,
  { output, quality, partials }: DecodedImages,
  name: StreamName,
): AsyncGenerator<string> {
  const created = Math.floor(api.clock.now() / 1000);
  const render = (made: MadeImage) => renderMade(api.media, api.log, made, output);
  const completed = async (made: MadeImage, usage: Done["usage"]) => {
    const image = await render(made);
    const data = encodeCompleted(name, usage, image, await base64Of(image), created, quality);
    return frame(data, data.type);
  };
  let held: MadeImage | null = null;
  let interim = 0;
  let text = "";
  try {
    for await (const event of events) {
      if (event.type === "text") text += event.text;
      else if (event.type === "draft" && interim < partials) {
        const image = await render(event);
        const data = encodePartial(name, interim++, image, await base64Of(image), created, quality);
        yield frame(data, data.type);
      } else if (event.type === "image") {
        if (held) yield await completed(held, NO_USAGE);
        held = { media: event.media, base64: event.base64 };
      } else if (event.type === "done") {
        if (!held) throw withoutImage(event, text);
        yield await completed(held, event.usage);
      }
    }
  } catch (error) {
    if (!(error instanceof AppError)) api.log.error("Streamed response failed", { error });
    yield frame(errorBody(error), "error");
  }
}
