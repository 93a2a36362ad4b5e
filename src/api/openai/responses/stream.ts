// Event stream of a response, in the order that official clients check (docs/wire/openai.md).

import type { GenerateEvent, Media } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import { type RenderedImage, renderMade } from "../../image-output.ts";
import type { MadeImage } from "../../links.ts";
import { frame } from "../../sse.ts";
import type { Api } from "../call.ts";
import { type Done, withoutImage } from "../errors.ts";
import { base64Of } from "../images/response.ts";
import type { DecodedResponse } from "./decode.ts";
import {
  callId,
  type EncodedResponse,
  encodeCall,
  encodeFailedCall,
  type encodeFunctionCall,
  encodeMessage,
  encodeOpenCall,
  encodeResponse,
  messageId,
  type OutputItem,
  outputText,
  type ResponseEnvelope,
} from "./encode.ts";

/** A response in progress. */
export type ResponseWork = {
  envelope: ResponseEnvelope;
  decoded: DecodedResponse;
  events: AsyncIterable<GenerateEvent>;
  /** Stores the whole response, with the media of its images by the ids of their items, unless the client does not want it. Never throws. */
  keep(response: EncodedResponse, drawn: ReadonlyMap<string, Media>): Promise<void>;
};

/** Text without an image is a valid response unless an image was required or refused. */
export const mayBeWords = (done: Done, text: string, { forced }: Pick<DecodedResponse, "forced">): boolean =>
  done.finish === "stop" && text.trim() !== "" && !forced;

/** Writes one event with the next sequence number. */
export type WriteEvent = (type: string, fields: object) => string;

export function createEventWriter(): WriteEvent {
  let sequence = 0;
  return (type, fields) => frame({ type, sequence_number: sequence++, ...fields }, type);
}

/** The frames of the response. A failure becomes `response.failed`, and ends it. */
export async function* responseFrames(api: Api, { envelope, decoded, events, keep }: ResponseWork): AsyncGenerator<string> {
  const write = createEventWriter();
  const output: OutputItem[] = [];
  const calls = createCalls(write, output, envelope.id);
  const drawn = new Map<string, Media>();
  const render = (made: MadeImage) => renderMade(api.media, api.log, made, decoded.output);
  let text = "";
  let interim = 0;

  const started = encodeResponse(envelope, { status: "in_progress" }, []);
  yield write("response.created", { response: started });
  yield write("response.in_progress", { response: started });
  // Announced before the image exists, so that the client can show it.
  yield calls.open();
  try {
    for await (const event of events) {
      if (event.type === "text") text += event.text;
      else if (event.type === "generating") yield calls.generating();
      else if (event.type === "draft" && interim < decoded.partials) yield await calls.partial(await render(event), interim++);
      else if (event.type === "image") {
        const [id, frames] = await calls.complete(await render(event), decoded);
        drawn.set(id, event.media);
        yield frames;
      } else if (event.type === "done") {
        if (drawn.size === 0) {
          const failure = withoutImage(event, text);
          if (!mayBeWords(event, text, decoded)) throw failure;
          yield calls.fail(failure);
        }
        if (text.trim()) yield messageFrames(write, output, encodeMessage(messageId(envelope.id), text), text);
        const response = encodeResponse(envelope, { status: "completed", usage: event.usage }, output);
        await keep(response, drawn);
        yield write("response.completed", { response });
      }
    }
  } catch (error) {
    if (!(error instanceof AppError)) api.log.error("Streamed response failed", { error });
    yield calls.fail(error);
    yield write("response.failed", { response: encodeResponse(envelope, { status: "failed", error }, output) });
  }
}

/** The open `image_generation_call`, at most one. Each method returns its frames, or an empty string. */
function createCalls(write: WriteEvent, output: OutputItem[], response: string) {
  let call: { item_id: string; output_index: number } | null = null;
  let isGenerating = false;
  let opened = 0;

  const open = (): string => {
    call = { item_id: callId(response, opened++), output_index: output.length };
    isGenerating = false;
    const added = write("response.output_item.added", { output_index: call.output_index, item: encodeOpenCall(call.item_id) });
    return added + write("response.image_generation_call.in_progress", call);
  };
  const generating = (): string => {
    if (!call || isGenerating) return "";
    isGenerating = true;
    return write("response.image_generation_call.generating", call);
  };
  const close = (item: OutputItem): string => {
    const { output_index } = call!;
    call = null;
    output.push(item);
    return write("response.output_item.done", { output_index, item });
  };

  return {
    open,
    generating,
    async partial(image: RenderedImage, index: number): Promise<string> {
      const shown = { partial_image_index: index, partial_image_b64: await base64Of(image), output_format: image.format };
      return call ? generating() + write("response.image_generation_call.partial_image", { ...call, ...shown }) : "";
    },
    /** Also for an image beyond the first, which has a call of its own. Gives the call's id with the frames. */
    async complete(image: RenderedImage, { quality }: Pick<DecodedResponse, "quality">): Promise<[id: string, frames: string]> {
      const base64 = await base64Of(image);
      const beginning = call ? "" : open();
      const { item_id } = call!;
      const done = generating() + write("response.image_generation_call.completed", call!);
      return [item_id, beginning + done + close(encodeCall(item_id, image, base64, quality))];
    },
    fail: (error: unknown): string => (call ? close(encodeFailedCall(call.item_id, error)) : ""),
  };
}

/** A message item, whole: the text is complete at the end of the generation. */
export function messageFrames(write: WriteEvent, output: OutputItem[], item: ReturnType<typeof encodeMessage>, text: string): string {
  const output_index = output.length;
  const place = { item_id: item.id, output_index, content_index: 0 };
  output.push(item);
  return [
    write("response.output_item.added", { output_index, item: { ...item, status: "in_progress", content: [] } }),
    write("response.content_part.added", { ...place, part: outputText("") }),
    write("response.output_text.delta", { ...place, delta: text, logprobs: [] }),
    write("response.output_text.done", { ...place, text, logprobs: [] }),
    write("response.content_part.done", { ...place, part: outputText(text) }),
    write("response.output_item.done", { output_index, item }),
  ].join("");
}

/** A function call, whole. */
export function functionCallFrames(write: WriteEvent, output: OutputItem[], item: ReturnType<typeof encodeFunctionCall>): string {
  const output_index = output.length;
  const place = { item_id: item.id, output_index };
  output.push(item);
  return [
    write("response.output_item.added", { output_index, item: { ...item, status: "in_progress", arguments: "" } }),
    write("response.function_call_arguments.delta", { ...place, delta: item.arguments }),
    write("response.function_call_arguments.done", { ...place, name: item.name, arguments: item.arguments }),
    write("response.output_item.done", { output_index, item }),
  ].join("");
}
