// Takes a side call of a key and records it in the side call log.
import type { KeyRow } from "../../domain/key.ts";
import type { SettingsStore } from "../settings/settings.ts";
import type { ChatCall } from "./decide.ts";
import type { SideCallLog } from "./log.ts";
import { type Demand, decideSideCall, type LocalReply } from "./reply.ts";
import { shapeOf } from "./shape.ts";

type Dependencies = { settings: Pick<SettingsStore, "current">; sideCalls: SideCallLog };

/** Texts up to this long are remembered by their shape though nothing about them looks like a side call. */
const SHORT_TEXT = 200;

export type SideCallTaken = {
  /** Null: an image or a video is to be made. */
  reply: LocalReply | null;
  /** To be called when that was started. */
  started(): void;
};

/** @throws {AppError} as `decideSideCall` */
export function takeSideCall(api: Dependencies, key: KeyRow, { call, demand }: { call: ChatCall; demand: Demand | null }): SideCallTaken {
  const mode = key.sideCalls ?? (api.settings.current().chat.auxiliary ? "answer" : "generate");
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
