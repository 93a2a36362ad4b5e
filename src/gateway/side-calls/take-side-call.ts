// Takes a side call of a key and records it in the side call log.
import type { KeyRow, SideCallMode } from "../../domain/key.ts";
import type { SettingsStore } from "../settings/settings.ts";
import { type ChatCall, judgeSideCall, type Verdict } from "./decide.ts";
import type { SideCallLog } from "./log.ts";
import { type Demand, type LocalReply, replyFor, type SideCallInput } from "./reply.ts";
import { CallShape } from "./shape.ts";

type Dependencies = { settings: Pick<SettingsStore, "current">; sideCalls: SideCallLog };

/** Texts up to this long are remembered by their shape though nothing about them looks like a side call. */
const SHORT_TEXT = 200;

/** @throws {AppError} as `decideSideCall` */
export const takeSideCall = (api: Dependencies, key: KeyRow, call: ChatCall, demand: Demand | null): SideCallTaken =>
  new SideCallTaken(api, key, call, demand);

/** A call of a key, taken for what it is. */
class SideCallTaken implements SideCallInput {
  readonly mode: SideCallMode;
  readonly imagesRoutesOnly: boolean;
  /** Null: an image or a video is to be made. */
  readonly reply: LocalReply | null;
  private readonly log: SideCallLog;
  /** Of one that is remembered once it was started: its words are at hand now. */
  private readonly shape: CallShape | null;

  constructor(
    api: Dependencies,
    private readonly key: KeyRow,
    readonly call: ChatCall,
    readonly demand: Demand | null,
  ) {
    this.log = api.sideCalls;
    this.mode = key.sideCalls ?? (api.settings.current().chat.auxiliary ? "answer" : "generate");
    this.imagesRoutesOnly = key.imagesRoutesOnly;
    const verdict = judgeSideCall(call);
    this.reply = replyFor(this, verdict);
    if (this.reply) this.log.answered();
    this.shape = this.isRemembered(verdict) ? new CallShape(call, verdict) : null;
  }

  private isRemembered({ signs }: Verdict): boolean {
    const { call, mode } = this;
    if (this.reply || mode === "generate" || call.hasImageOptions) return false;
    return signs.length > 0 || (call.text.length <= SHORT_TEXT && !call.hasAttachment);
  }

  isListed(verdict: Verdict): boolean {
    return this.log.hasRules() && this.log.matches(new CallShape(this.call, verdict).id);
  }

  /** To be called when an image or a video was started. */
  started(): void {
    if (this.shape) this.log.generated(this.shape, this.key.id, this.call.model);
  }
}
