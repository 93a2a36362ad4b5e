// A local reply as a chat completion: text, or a call of the function that the client demands. Pure.

import { NO_USAGE } from "../../../domain/generation.ts";
import type { LocalReply } from "../../../gateway/side-calls/reply.ts";
import { newId } from "../../../ids.ts";
import { type Envelope, encodeChunk, encodeCompletion } from "./encode.ts";

/** `chat.completion`. Source: OpenAI API reference, chat completions, tool calls (read 2026-11-29). */
export function encodeLocal(envelope: Envelope, reply: LocalReply): object {
  const completion = encodeCompletion(envelope, { text: reply.text ?? "", images: [] }, { finish: "stop", usage: NO_USAGE });
  if (reply.text !== null) return completion;
  const [choice] = completion.choices;
  const message = { ...choice!.message, content: null, tool_calls: [toolCall(reply)] };
  return { ...completion, choices: [{ ...choice, message, finish_reason: "tool_calls" }] };
}

/** The chunks of the same, the last one with its finish reason. */
export function localChunks(envelope: Envelope, reply: LocalReply): object[] {
  const first = encodeChunk(envelope, { role: "assistant", content: "" });
  if (reply.text !== null) return [first, encodeChunk(envelope, { content: reply.text }), encodeChunk(envelope, {}, "stop")];
  const delta = { tool_calls: [{ index: 0, ...toolCall(reply) }] };
  const called = { ...first, choices: [{ index: 0, delta, finish_reason: null, logprobs: null }] };
  return [first, called, encodeChunk(envelope, {}, "tool_calls")];
}

const toolCall = ({ tool }: Extract<LocalReply, { text: null }>) => ({ id: `call_${newId()}`, type: "function" as const, function: tool });
