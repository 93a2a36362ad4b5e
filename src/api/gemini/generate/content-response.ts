// A generation as GenerateContentResponse: the parts of one response, whole or as they come.

import type { GenerateEvent } from "../../../domain/generation.ts";
import type { Run } from "../../../gateway/generation/contract.ts";
import { hearAll, type Listener } from "../../../gateway/generation/event-log.ts";
import type { LeftOut } from "../../../gateway/generation/inputs/inputs.ts";
import { newId } from "../../../ids.ts";
import { responseHeaders } from "../../generation-headers.ts";
import { type ImageFormatOptions, isConverted, renderMade } from "../../image-output.ts";
import { bodyBase64, jsonAtOnce, jsonWithBytes } from "../../json-bytes.ts";
import { mediaUrl } from "../../links.ts";
import { RunFrames } from "../../run-frames.ts";
import { asDone } from "../../whole-response.ts";
import type { Api, Call } from "../call.ts";
import { errorBody } from "../errors.ts";
import { type End, type Envelope, encodeResponse, endOf, endOfFailure, type WirePart } from "./encode.ts";
import type { Framing } from "./stream.ts";

/** What is answered: a generation, or words that cost nothing. `stop` ends it as if the client had left; a job goes on. */
export type Begun = {
  run: Run;
  stop(): void;
  /** How images are encoded; null: as the model made them. */
  output: ImageFormatOptions | null;
  /** Fields that change nothing, as the client knows them. */
  ignored: readonly string[];
  leftOut: readonly LeftOut[];
};

type PartEvent = Extract<GenerateEvent, { type: "text" | "thought" | "image" | "draft" }>;

const hasPart = (event: GenerateEvent): event is PartEvent =>
  event.type === "text" || event.type === "image" || event.type === "thought" || event.type === "draft";

/** In one piece: hears its generation, and is sent at its end. */
export class ContentResponse implements Listener<GenerateEvent> {
  private readonly envelope: Envelope;
  private parts: WirePart[] = [];
  /** Bytes of a part are to be read, or too long for one text. */
  private hasBytes = false;

  constructor(
    readonly api: Api,
    private readonly call: Call,
    readonly begun: Begun,
  ) {
    this.envelope = { model: begun.run.family, responseId: newId() };
  }

  get startedAt(): number {
    return this.call.startedAt;
  }

  readonly errorBody = errorBody;

  /** Of the end rather than the beginning: a retired model is known by then. */
  headers(): Readonly<Record<string, string>> {
    const { run, leftOut, ignored } = this.begun;
    return responseHeaders(run, leftOut, ignored);
  }

  hear(event: GenerateEvent): void | Promise<void> {
    // What an earlier token said before it failed is no part of the response.
    if (event.type === "token") this.parts = [];
    if (!hasPart(event)) return;
    const part = this.partOf(event);
    if (part instanceof Promise) return this.addLater(part);
    this.parts.push(part);
  }

  private async addLater(part: Promise<WirePart>): Promise<void> {
    this.parts.push(await part);
  }

  /** @throws {AppError} what the generation fails with, where Google has no response for it */
  async whole(): Promise<Response> {
    let end: End;
    try {
      end = endOf(asDone(await hearAll(this.begun.run.events, this)));
    } catch (error) {
      const refused = endOfFailure(error);
      if (!refused) throw error;
      end = refused;
    }
    return (this.hasBytes ? jsonWithBytes : jsonAtOnce)(this.encode(this.parts, end), this.headers(), this.begun.run);
  }

  encode(parts: WirePart[], end: End | null): object {
    return encodeResponse(this.envelope, parts, end);
  }

  /** Interim images and thoughts are returned only when they were asked for. */
  partOf(event: PartEvent): WirePart | Promise<WirePart> {
    const { signature } = event;
    if (event.type === "text") return { text: event.text, thoughtSignature: signature };
    if (event.type === "thought") return { text: event.text, thought: true, thoughtSignature: signature };
    const { media } = event;
    if (media.kind === "video") return { fileData: { mimeType: media.mime, fileUri: mediaUrl(this.call.calledOrigin, media) } };
    const { output } = this.begun;
    if (event.type === "draft" || event.base64 === undefined || (output && isConverted(media, output))) return this.readPart(event);
    const data = bodyBase64(event.base64);
    if (typeof data !== "string") this.hasBytes = true;
    return { inlineData: { mimeType: media.mime, data }, thoughtSignature: signature };
  }

  private async readPart(event: Extract<PartEvent, { media: unknown }>): Promise<WirePart> {
    this.hasBytes = true;
    const { api, begun } = this;
    const { format, blob: data } = await renderMade(api.media, api.log, event, begun.output);
    const inlineData = { mimeType: begun.output ? `image/${format}` : event.media.mime, data };
    return { inlineData, thought: event.type === "draft" ? true : undefined, thoughtSignature: event.signature };
  }
}

/** Streamed: one object for each part, then one with the end. A failure is an object with `error`, and ends it. */
export class ContentFrames extends RunFrames {
  constructor(
    private readonly response: ContentResponse,
    private readonly framing: Framing,
  ) {
    super({ ...response.begun, log: response.api.log });
  }

  heartbeat(): string {
    return this.framing.heartbeat();
  }

  protected begin(): void {
    this.write(this.framing.start());
  }

  protected hear(event: GenerateEvent): void | Promise<void> {
    if (event.type === "done") this.writeEnd(endOf(event));
    if (!hasPart(event)) return;
    const part = this.response.partOf(event);
    if (part instanceof Promise) return this.writeLater(part);
    this.writeBody(this.response.encode([part], null));
  }

  private async writeLater(part: Promise<WirePart>): Promise<void> {
    this.writeBody(this.response.encode([await part], null));
  }

  private writeEnd(end: End): void {
    const parts = "blockReason" in end || end.finishReason !== "STOP" ? [] : [{ text: "" }];
    this.writeBody(this.response.encode(parts, end));
  }

  private writeBody(body: object): void {
    const frame = this.framing.frame(body);
    if (typeof frame === "string") this.write(frame);
    else this.writePieces(frame);
  }

  protected end(): void {
    this.write(this.framing.end);
  }

  protected fail(error: unknown): void {
    const end = endOfFailure(error);
    if (end) this.writeEnd(end);
    else this.writeBody(errorBody(error));
    this.end();
  }
}
