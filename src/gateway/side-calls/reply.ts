// Outcome of a chat call: generate, reply locally or refuse, by the key's mode and the task. Pure.
import type { SideCallMode } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import { type ChatCall, judgeSideCall, type Verdict } from "./decide.ts";
import { linesFor } from "./lines.ts";
import { jsonAnswer, localAnswer, topicOf } from "./reply-text.ts";
import { schemaValue } from "./schema-value.ts";

/** What is answered without an upstream. */
export type LocalReply = { text: string } | { text: null; tool: { name: string; arguments: string } };

/** JSON or a call of a function that the reply must be; `field` names what demands it. */
export type Demand = { field: string; schema?: unknown; tool?: string };

export type SideCallInput = {
  call: ChatCall;
  demand: Demand | null;
  mode: SideCallMode;
  /** Whether the operator's rule says so. */
  isListed(verdict: Verdict): boolean;
  /** The key makes images through the images routes only. */
  imagesRoutesOnly: boolean;
};

/** `reply`: null when an image is to be made. */
export type SideCallDecision = { verdict: Verdict; reply: LocalReply | null };

/** @throws {AppError} `invalid_request` for what must be JSON and is no side call, and for side calls that the key refuses; `forbidden` */
export function decideSideCall(input: SideCallInput): SideCallDecision {
  const verdict = judgeSideCall(input.call);
  return { verdict, reply: replyFor(input, verdict) };
}

/** The reply to a call that was judged; null when an image is to be made. @throws {AppError} as {@link decideSideCall} */
export function replyFor(input: SideCallInput, verdict: Verdict): LocalReply | null {
  const { call, demand, mode, imagesRoutesOnly } = input;
  const isSide = verdict.isSide || wantsNothing(call) || (demand !== null && isTaskWithJson(verdict)) || input.isListed(verdict);
  if (demand && (!isSide || mode === "generate")) throw mustBeText(demand);
  if (isSide && mode === "refuse") {
    const message =
      "This looks like a title, a test or another call on the side, and this API key answers none of these. Nothing was charged.";
    throw new AppError("invalid_request", message, { param: "messages", reason: "side_call_refused" });
  }
  if (isSide && (mode === "answer" || wantsNothing(call))) return replyTo(call, verdict, demand);
  if (imagesRoutesOnly) {
    const route = call.kind === "image" ? "/v1/images/generations or /v1/images/edits" : "/v1/videos";
    throw new AppError("forbidden", `This API key makes ${call.kind}s through ${route} only. Nothing was charged.`, {
      param: "model",
      reason: "images_routes_only",
    });
  }
  return null;
}

/** Nobody of the conversation asked for anything. */
const wantsNothing = ({ text, hasAttachment }: ChatCall) => text.trim() === "" && !hasAttachment;

/** JSON is demanded of a task that clients have: not of a work that only a model of texts can do. */
const isTaskWithJson = ({ signs, target, probe }: Verdict): boolean =>
  probe !== null ||
  signs.includes("marker") ||
  signs.includes("system") ||
  (target !== null && (signs.includes("conversation") || !["text", "json", "caption", "translation"].includes(target)));

function replyTo(call: ChatCall, verdict: Verdict, demand: Demand | null): LocalReply {
  if (demand?.tool) {
    return { text: null, tool: { name: demand.tool, arguments: JSON.stringify(schemaValue(demand.schema ?? {}, topicOf(call, verdict))) } };
  }
  if (demand) return { text: jsonAnswer(demand.schema, call, verdict) };
  if (wantsNothing(call)) return { text: linesFor(call.system).help };
  return { text: localAnswer(call, verdict) };
}

function mustBeText({ field, tool }: Demand): AppError {
  const what = tool ? "a function call" : "JSON";
  const message = `${field}: this model makes images and videos, its answer cannot be ${what}. Leave ${field} out to get one. Nothing was charged.`;
  return new AppError("invalid_request", message, { param: field, reason: "invalid_value" });
}
