// Encoder of Response objects and their items. Pure; base64 is written when the response is sent.
// Source: docs/wire/openai.md.

import type { Usage } from "../../../domain/generation.ts";
import { AppError, type ErrorKind } from "../../../errors.ts";
import type { RenderedImage } from "../../image-output.ts";
import type { BodyBytes } from "../../json-bytes.ts";
import { errorBody } from "../errors.ts";
import type { Quality } from "../images/decode.ts";
import { sizeOf } from "../images/encode.ts";
import type { ResponsesBody } from "../schema.ts";

/** Fields that all forms of one response share. */
export type ResponseEnvelope = { id: string; created: number; body: ResponsesBody };

/** Item ids derive from the response's id: stable across reads, and they lead back to it. */
export const callId = (response: string, index: number): string =>
  `ig_${response.slice("resp_".length)}${index === 0 ? "" : `_${index + 1}`}`;
export const messageId = (response: string): string => `msg_${response.slice("resp_".length)}`;

/** The response that an item belongs to; null for an id that is not ours. */
export function responseIdOf(item: string): string | null {
  const [, own] = /^(?:ig|msg)_([a-z2-7]{26})(?:_\d+)?$/.exec(item) ?? [];
  return own === undefined ? null : `resp_${own}`;
}

export type OutputItem =
  | ReturnType<typeof encodeCall>
  | ReturnType<typeof encodeFailedCall>
  | ReturnType<typeof encodeMessage>
  | ReturnType<typeof encodeFunctionCall>;

/** An `image_generation_call` that has not ended. */
export const encodeOpenCall = (id: string) => ({
  id,
  type: "image_generation_call" as const,
  status: "in_progress" as const,
  result: null,
});

/** One that made an image; `result` is its bytes, or already their base64; null where they are left out. */
export function encodeCall(id: string, image: RenderedImage, result: BodyBytes | string | null, quality: Quality | null) {
  return {
    id,
    type: "image_generation_call" as const,
    status: "completed" as const,
    result,
    output_format: image.format,
    size: sizeOf(image),
    quality: quality ?? undefined,
    background: "opaque" as const,
  };
}

export const encodeFailedCall = (id: string, error: unknown) => ({
  id,
  type: "image_generation_call" as const,
  status: "failed" as const,
  result: null,
  error: errorBody(error).error,
});

export const outputText = (text: string) => ({ type: "output_text" as const, text, annotations: [], logprobs: [] });

export function encodeMessage(id: string, text: string) {
  return { id, type: "message" as const, role: "assistant" as const, status: "completed" as const, content: [outputText(text)] };
}

/** @param id names the item and, apart from it, the call that a `function_call_output` answers */
export const encodeFunctionCall = (id: string, tool: { name: string; arguments: string }) => ({
  id: `fc_${id}`,
  type: "function_call" as const,
  status: "completed" as const,
  call_id: `call_${id}`,
  ...tool,
});

function encodeUsage(usage: Usage) {
  return {
    input_tokens: usage.inputText + usage.inputImage,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: usage.outputText + usage.outputImage + usage.thoughts,
    output_tokens_details: { reasoning_tokens: usage.thoughts },
    total_tokens: usage.total,
  };
}

/** Codes of `ResponseError`; every other failure is a `server_error`. */
const CODES: Partial<Record<ErrorKind, string>> = {
  content_policy: "image_content_policy_violation",
  invalid_request: "invalid_prompt",
  upstream_invalid: "invalid_prompt",
  limit_exceeded: "rate_limit_exceeded",
  busy: "rate_limit_exceeded",
  upstream_rate_limited: "rate_limit_exceeded",
  upstream_quota: "rate_limit_exceeded",
};

const encodeError = (error: unknown) => ({
  code: (error instanceof AppError && CODES[error.kind]) || "server_error",
  message: errorBody(error).error.message,
});

type State = { status: "in_progress" } | { status: "completed"; usage: Usage } | { status: "failed"; error: unknown };

export type EncodedResponse = ReturnType<typeof encodeResponse>;

/** `Response`; the client's own fields are returned as sent. */
export function encodeResponse({ id, created, body }: ResponseEnvelope, state: State, output: OutputItem[]) {
  return {
    id,
    object: "response" as const,
    created_at: created,
    status: state.status,
    error: state.status === "failed" ? encodeError(state.error) : null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    metadata: body.metadata ?? {},
    model: body.model,
    output,
    parallel_tool_calls: true,
    temperature: 1,
    top_p: 1,
    tool_choice: body.tool_choice ?? "auto",
    tools: body.tools ?? [],
    previous_response_id: body.previous_response_id ?? null,
    store: body.store ?? true,
    usage: state.status === "completed" ? encodeUsage(state.usage) : null,
  };
}
