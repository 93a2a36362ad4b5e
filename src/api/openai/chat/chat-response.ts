// A chat response with images in one piece: hears its generation, shows its images, and is sent at its end.

import type { GenerateEvent } from "../../../domain/generation.ts";
import type { Job } from "../../../domain/job.ts";
import type { ImageForm } from "../../../domain/key.ts";
import type { Run } from "../../../gateway/generation/contract.ts";
import type { Listener } from "../../../gateway/generation/event-log.ts";
import type { LeftOut } from "../../../gateway/generation/inputs/inputs.ts";
import { leftOutLines, responseHeaders } from "../../generation-headers.ts";
import { Base64Placeholders, jsonAtOnce, jsonWithBytes } from "../../json-bytes.ts";
import { mediaDataUrl, mediaUrl } from "../../links.ts";
import { readWhole } from "../../whole-response.ts";
import { type Api, answerId, type Call } from "../call.ts";
import { type Done, errorBody, refusalOf } from "../errors.ts";
import { type Envelope, encodeCompletion, refusalText, type ShownImage } from "./encode.ts";

/** Upper bound for the JSON and SSE around a data URL, in bytes. */
const LINE_OVERHEAD = 512;

export type MadeImage = Extract<GenerateEvent, { type: "image" }>;

/** Fields that all chunks of one response share. */
export const envelopeOf = (api: Api, model: string, job?: Job): Envelope => ({
  id: `chatcmpl-${answerId(job)}`,
  created: Math.floor((job?.createdAt ?? api.clock.now()) / 1000),
  model,
});

/** @throws {AppError} `content_policy` when refusals are set to be errors */
export function assertShown(api: Api, done: Done): void {
  if (done.finish.startsWith("policy") && api.settings.current().generation.refusal === "error") throw refusalOf(done);
}

export class ChatResponse implements Listener<GenerateEvent> {
  readonly envelope: Envelope;
  /** What could not be read of the history. */
  leftOut: readonly LeftOut[] = [];
  private placeholders: Base64Placeholders | null = null;
  readonly images: ShownImage[] = [];
  text = "";

  constructor(
    readonly api: Api,
    private readonly call: Call,
    readonly run: Run,
    private readonly form: ImageForm,
  ) {
    this.envelope = envelopeOf(api, run.family, run.job);
  }

  get startedAt(): number {
    return this.call.startedAt;
  }

  /** What was left out of the history, in words. */
  get notes(): string {
    return leftOutLines(this.leftOut);
  }

  /** Where bytes stand in its texts; null: nowhere. */
  get embedded(): Base64Placeholders | null {
    return this.placeholders;
  }

  readonly errorBody = errorBody;

  /** Of the end rather than the beginning: a retired model is known by then. */
  headers(): Readonly<Record<string, string>> {
    return responseHeaders(this.run, this.leftOut);
  }

  /** An image in the form that was asked for; as a link where its line would be longer than `longest` bytes (0: any length). */
  show(made: MadeImage, longest = 0): ShownImage | Promise<ShownImage> {
    const { media } = made;
    const isTooLong = longest > 0 && Math.ceil(media.bytes / 3) * 4 + LINE_OVERHEAD > longest;
    const link = mediaUrl(this.call.origin, media);
    return isTooLong || this.form === "markdown_url" ? { form: "markdown", url: link, link } : this.showBytes(made, link);
  }

  private async showBytes(made: MadeImage, link: string): Promise<ShownImage> {
    this.placeholders ??= new Base64Placeholders();
    const url = await mediaDataUrl(this.api.media, made, this.placeholders);
    return { form: this.form === "images" ? "images" : "markdown", url, link };
  }

  hear(event: GenerateEvent): void | Promise<void> {
    if (event.type === "text") this.text += event.text;
    if (event.type !== "image") return;
    const image = this.show(event);
    if (image instanceof Promise) return this.addLater(image);
    this.images.push(image);
  }

  private async addLater(image: Promise<ShownImage>): Promise<void> {
    this.images.push(await image);
  }

  /** @throws {AppError} what the generation fails with */
  async whole(): Promise<Response> {
    return this.end(await readWhole(this.run.events, this));
  }

  /** All of it, once everything was heard. @throws {AppError} as {@link assertShown} */
  end(done: Done): Response {
    const { api, run, envelope, images, embedded } = this;
    assertShown(api, done);
    if (!this.text && images.length === 0) this.text = refusalText(done);
    envelope.model = run.family;
    const body = encodeCompletion(envelope, this, done);
    return embedded === null ? jsonAtOnce(body, this.headers(), run) : jsonWithBytes(body, this.headers(), run, embedded);
  }
}
