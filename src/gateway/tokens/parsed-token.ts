// Result types of token parsing: a token, or why a line is not one.

import type { NewToken } from "../../domain/token.ts";

/** A token as the text has it; what the text does not say is absent. `line` counts from 1. */
export type ParsedToken = {
  line: number;
  provider: string;
  secret: string;
  /** What the text holds of it that has no field here. */
  left?: LeftBehind[];
} & Partial<Omit<NewToken, "provider" | "secret">>;

/** Why a line is no token, for people. Never quotes the line. */
export type RefusedLine = { line: number; reason: string };

export type ParsedLine = ParsedToken | RefusedLine;

export type ParseOptions = {
  /** Those of the other provider are refused. */
  provider?: string;
  /** Epoch ms; without it, sessions that ended long ago are not told apart. */
  now?: number;
};

export const isRefused = (parsed: ParsedLine): parsed is RefusedLine => "reason" in parsed;

/** What accounts of python-flow2api hold that has no field here; reported once for all of them. */
export type LeftBehind = "google_cookies" | "login" | "protocol_mode" | "captcha_proxy" | "extension_route" | "refresh" | "proxy";
