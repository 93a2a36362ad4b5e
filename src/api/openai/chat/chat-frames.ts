// The chunks of a streamed chat response: progress in `reasoning_content`, then text and images, where they are stored, and the end.

import type { GenerateEvent } from "../../../domain/generation.ts";
import { framePieces } from "../../json-bytes.ts";
import { RunFrames } from "../../run-frames.ts";
import { frame } from "../../sse.ts";
import { errorBody } from "../errors.ts";
import { ChatProgress } from "./chat-progress.ts";
import { assertShown, type ChatResponse, type MadeImage } from "./chat-response.ts";
import {
  type Delta,
  definitionsDelta,
  encodeChunk,
  encodeUsageChunk,
  FINISH_REASON,
  imageDelta,
  refusalText,
  type ShownImage,
} from "./encode.ts";

/** Text is held until the first image: text of a token that then failed is dropped. A failure is an error event, and ends the stream. */
export class ChatFrames extends RunFrames {
  private readonly progress: ChatProgress;
  private readonly longest: number;
  private readonly shown: ShownImage[] = [];
  private held = "";
  /** Some text was written. */
  private isSaid = false;
  private hasContent = false;

  constructor(
    private readonly response: ChatResponse,
    private readonly includeUsage: boolean,
    stop: () => void,
  ) {
    const { api, run } = response;
    super({ run, stop, log: api.log });
    const { show_token: showToken, max_line_kb } = api.settings.current().chat;
    this.longest = max_line_kb * 1024;
    this.progress = new ChatProgress({ now: api.clock.now, usualMs: run.usualMs ?? null, showToken });
  }

  /** Progress until content begins, then empty content: clients store reasoning after content as a second thought. */
  heartbeat(): string {
    return this.frameOf(this.hasContent ? { content: "" } : { reasoning_content: this.progress.beat() });
  }

  protected begin(): void {
    const { notes } = this.response;
    this.chunk({ role: "assistant", content: "" });
    if (notes) this.chunk({ reasoning_content: notes });
  }

  protected hear(event: GenerateEvent): void | Promise<void> {
    const line = this.hasContent ? null : this.progress.lineOf(event);
    if (line !== null) this.chunk({ reasoning_content: line });
    switch (event.type) {
      case "token":
        if (this.shown.length === 0) this.held = "";
        return;
      case "text":
        return this.hearText(event.text);
      case "image":
        return this.hearImage(event);
      case "done":
        return this.hearEnd(event);
    }
  }

  private hearText(text: string): void {
    if (this.hasContent) {
      this.isSaid = true;
      this.chunk({ content: text });
    } else this.held += text;
  }

  private hearImage(event: MadeImage): void | Promise<void> {
    const image = this.response.show(event, this.longest);
    return image instanceof Promise ? this.showLater(image) : this.show(image);
  }

  private async showLater(image: Promise<ShownImage>): Promise<void> {
    this.show(await image);
  }

  private show(image: ShownImage): void {
    const { envelope, embedded } = this.response;
    this.hasContent = true;
    if (this.held) {
      this.isSaid = true;
      this.chunk({ content: image.form === "markdown" ? `${this.held}\n\n` : this.held });
      this.held = "";
    }
    const delta = imageDelta(image, this.shown.length);
    this.shown.push(image);
    if (embedded === null) this.chunk(delta);
    else this.writePieces(framePieces(encodeChunk(envelope, delta), embedded));
  }

  private hearEnd(event: Extract<GenerateEvent, { type: "done" }>): void {
    const { api, envelope } = this.response;
    assertShown(api, event);
    const words = this.held || (this.hasContent ? "" : refusalText(event));
    this.hasContent = true;
    if (words) this.chunk({ content: words });
    if (this.shown.length > 0) this.chunk({ content: definitionsDelta(this.shown, this.isSaid) });
    this.chunk({}, FINISH_REASON[event.finish]);
    if (this.includeUsage) this.write(frame(encodeUsageChunk(envelope, event.usage)));
  }

  protected end(): void {
    this.write(frame("[DONE]"));
  }

  protected fail(error: unknown): void {
    this.write(frame(errorBody(error)));
  }

  private chunk(delta: Delta, finishReason: string | null = null): void {
    this.write(this.frameOf(delta, finishReason));
  }

  private frameOf(delta: Delta, finishReason: string | null = null): string {
    return frame(encodeChunk(this.response.envelope, delta, finishReason));
  }
}
