// The events of streamed images: interim images, then one `completed` per image.

import { type GenerateEvent, NO_USAGE, type Usage } from "../../../domain/generation.ts";
import type { Run } from "../../../gateway/generation/contract.ts";
import { renderMade } from "../../image-output.ts";
import type { MadeImage } from "../../links.ts";
import { RunFrames } from "../../run-frames.ts";
import { COMMENT, frame } from "../../sse.ts";
import type { Api } from "../call.ts";
import { errorBody, withoutImage } from "../errors.ts";
import type { DecodedImages } from "./decode.ts";
import { encodeCompleted, encodePartial, type StreamName } from "./encode.ts";
import { base64Of } from "./response.ts";

/** Usage is known at the end: the last event has it, earlier ones have zeros. */
export class ImageFrames extends RunFrames {
  private readonly created: number;
  private readonly name: StreamName;
  /** The latest image, which waits for its usage. */
  private made: MadeImage | null = null;
  private interim = 0;
  private text = "";

  constructor(
    private readonly api: Api,
    private readonly decoded: DecodedImages,
    { run, stop, name }: { run: Run; stop(): void; name: StreamName },
  ) {
    super({ run, stop, log: api.log });
    this.name = name;
    this.created = Math.floor(api.clock.now() / 1000);
  }

  heartbeat(): string {
    return COMMENT;
  }

  protected begin(): void {}

  protected hear(event: GenerateEvent): void | Promise<void> {
    switch (event.type) {
      case "text":
        this.text += event.text;
        return;
      case "draft":
        return this.interim < this.decoded.partials ? this.showPartial(event) : undefined;
      case "image":
        return this.hearImage(event);
      case "done":
        if (!this.made) throw withoutImage(event, this.text);
        return this.complete(this.made, event.usage);
    }
  }

  private hearImage(event: MadeImage): Promise<void> | undefined {
    const before = this.made;
    this.made = { media: event.media, base64: event.base64 };
    return before ? this.complete(before, NO_USAGE) : undefined;
  }

  private async showPartial(event: MadeImage): Promise<void> {
    const image = await this.render(event);
    const data = encodePartial(this.name, this.interim++, image, await base64Of(image), this.created, this.decoded.quality);
    this.write(frame(data, data.type));
  }

  private async complete(made: MadeImage, usage: Usage): Promise<void> {
    const image = await this.render(made);
    const data = encodeCompleted(this.name, usage, image, await base64Of(image), this.created, this.decoded.quality);
    this.write(frame(data, data.type));
  }

  private render(made: MadeImage) {
    return renderMade(this.api.media, this.api.log, made, this.decoded.output);
  }

  protected end(): void {}

  protected fail(error: unknown): void {
    this.write(frame(errorBody(error), "error"));
  }
}
