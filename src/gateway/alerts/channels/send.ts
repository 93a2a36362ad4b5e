// Sends one message through one channel, over the SSRF guard; what comes back is free of the channel's secrets.
import { type Clock, withTimeout } from "../../../clock.ts";
import { AppError } from "../../../errors.ts";
import { readBody } from "../../../http.ts";
import { redactText } from "../../../log.ts";
import { type GuardedSend, parseGuardedUrl } from "../../media/ssrf-guard.ts";
import type { AlertMessage, ChannelConfig, Verdict } from "./channel.ts";
import { clip } from "./reply.ts";
import { type ChannelKind, channelOf } from "./table.ts";

export type SendDependencies = { guardedSend: GuardedSend; clock: Clock };

type Target = { kind: ChannelKind; config: ChannelConfig };

/** Time for one attempt, ms. */
export const ATTEMPT_MS = 15_000;
const REPLY_BYTES = 64 * 1024;
/** Shorter values are words that may occur in any text. */
const MIN_SECRET_CHARS = 6;

/** Where fields are left empty, what counts. */
export function withFallbacks({ kind, config }: Target): ChannelConfig {
  return Object.fromEntries(channelOf(kind).fields.map(({ name, fallback = "" }) => [name, config[name] || fallback]));
}

/** Text without what the channel's secret fields hold, nor the parts of an address that may be one. */
export function withoutSecrets(text: string, { kind, config }: Target): string {
  const values = channelOf(kind)
    .fields.filter(({ secret }) => secret)
    .flatMap(({ name }) => {
      const value = config[name] ?? "";
      const url = URL.parse(value);
      return url ? [value, url.search, ...url.pathname.split("/"), ...url.searchParams.values()] : [value];
    })
    .filter(({ length }) => length >= MIN_SECRET_CHARS);
  const longestFirst = [...new Set(values.flatMap((value) => [value, encodeURIComponent(value)]))].sort((a, b) => b.length - a.length);
  return redactText(longestFirst.reduce((masked, value) => masked.replaceAll(value, "…"), text));
}

/** One attempt. Never throws; `stopping` ends it with `retry`. */
export async function sendMessage(
  deps: SendDependencies,
  target: Target,
  { message, id, stopping }: { message: AlertMessage; id: string; stopping: AbortSignal },
): Promise<Verdict> {
  const channel = channelOf(target.kind);
  const refuse = (reason: string) => new AppError("invalid_request", reason);
  try {
    const { url, ...call } = channel.call(message, withFallbacks(target), { id, now: deps.clock.now() });
    const verdict = await withTimeout(deps.clock, stopping, ATTEMPT_MS, async (signal) => {
      const response = await deps.guardedSend({ ...call, url: parseGuardedUrl(url, undefined, refuse), signal, refuse });
      const text = new TextDecoder().decode(await readBody(response, REPLY_BYTES, signal));
      return channel.verdict({ status: response.status, text, headers: response.headers });
    });
    return verdict.ok ? verdict : { ...verdict, said: clip(withoutSecrets(verdict.said, target)) };
  } catch (error) {
    if (!(error instanceof AppError)) return { ok: false, said: "Internal error", retry: true };
    // The guard's refusals of an address stay; a host that cannot be reached may come back.
    const isRefused = error.kind === "invalid_request" && !/cannot be (reached|resolved)/.test(error.message);
    return { ok: false, said: clip(withoutSecrets(error.message, target)), retry: !isRefused };
  }
}
