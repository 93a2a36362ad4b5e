// Takes a chat or responses call that is a side call, in the name of its key, and writes it into the book.
import { decideSideCall, type LocalReply } from "../../gateway/side-calls/reply.ts";
import { shapeOf } from "../../gateway/side-calls/shape.ts";
import type { Api, Call } from "./call.ts";
import type { SideFacts } from "./side-calls.ts";

/** Texts up to this long are remembered by their shape though nothing about them looks like a side call. */
const SHORT_TEXT = 200;

export type SideCallTaken = {
  /** Null: an image or a video is to be made. */
  reply: LocalReply | null;
  /** To be called when that was started. */
  started(): void;
};

/** @throws {AppError} as `decideSideCall` */
export function takeSideCall(api: Pick<Api, "settings" | "sideCalls">, { key }: Pick<Call, "key">, facts: SideFacts): SideCallTaken {
  const { call, json, tool } = facts;
  const mode = key.sideCalls ?? (api.settings.current().chat.auxiliary ? "answer" : "generate");
  const demand = json ?? (tool && { field: tool.field, schema: tool.schema, tool: tool.name });
  const { imagesRoutesOnly } = key;
  const { verdict, reply } = decideSideCall({
    call,
    demand,
    mode,
    imagesRoutesOnly,
    isListed: (verdict) => api.sideCalls.hasRules() && api.sideCalls.matches(shapeOf(call, verdict).id),
  });
  if (reply) {
    api.sideCalls.answered();
    return { reply, started: () => {} };
  }
  const isKnown =
    mode !== "generate" && !call.hasImageOptions && (verdict.signs.length > 0 || (call.text.length <= SHORT_TEXT && !call.hasAttachment));
  return {
    reply: null,
    started: () => isKnown && api.sideCalls.generated(shapeOf(call, verdict), { keyId: key.id, model: call.model }),
  };
}
