// A local reply as a Response or its events: a message, or the function call that the client demands.
// Source: OpenAI API reference, responses, function_call items (read 2026-11-30).

import { NO_USAGE } from "../../../domain/generation.ts";
import type { LocalReply } from "../../../gateway/side-calls/reply.ts";
import { newId } from "../../../ids.ts";
import { type EncodedResponse, encodeFunctionCall, encodeMessage, encodeResponse, messageId, type OutputItem } from "./encode.ts";
import { createEventWriter, functionCallFrames, messageFrames, type ResponseWork } from "./stream.ts";

/** A response that is known at once and costs nothing. */
export type LocalResponse = Pick<ResponseWork, "envelope" | "keep"> & { reply: LocalReply };

/** Stored like any other response. */
export async function localResponse({ envelope, keep, reply }: LocalResponse): Promise<EncodedResponse> {
  const item =
    reply.text === null
      ? encodeFunctionCall(newId(), reply.tool)
      : reply.text.trim()
        ? encodeMessage(messageId(envelope.id), reply.text)
        : null;
  const response = encodeResponse(envelope, { status: "completed", usage: NO_USAGE }, item ? [item] : []);
  await keep(response, new Map());
  return response;
}

export async function* localFrames(local: LocalResponse): AsyncGenerator<string> {
  const write = createEventWriter();
  const started = encodeResponse(local.envelope, { status: "in_progress" }, []);
  yield write("response.created", { response: started });
  yield write("response.in_progress", { response: started });
  const response = await localResponse(local);
  const output: OutputItem[] = [];
  for (const item of response.output) {
    if (item.type === "message") yield messageFrames(write, output, item, item.content.map(({ text }) => text).join(""));
    else if (item.type === "function_call") yield functionCallFrames(write, output, item);
  }
  yield write("response.completed", { response });
}
