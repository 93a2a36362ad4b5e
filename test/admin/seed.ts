// Deterministic month of usage data, for tests and screenshots.

import type { ReservationEnd } from "../../src/db/ledger.ts";
import type { AttemptRow, RequestRow } from "../../src/domain/request.ts";
import { periodsAt } from "../../src/gateway/limits/periods.ts";
import { newTimeId } from "../../src/ids.ts";
import { seededRandom } from "../../src/testing.ts";
import type { Rig } from "../rig.ts";
import { signIn } from "./admin.ts";
import { type OpenPage, openSignedIn, type TestBrowser } from "./browser.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MODELS = ["gemini-nano-banana-2.1", "gemini-3-pro-image", "gemini-2.5-flash-image", "gemini-omni-1.2-flash"] as const;
const FAILURES = [
  ["upstream_rate_limited", "per_minute", 429, "The upstream takes no more calls for 31 s."],
  ["content_policy", "policy_input", 400, "The prompt was refused: IMAGE_SAFETY"],
  ["upstream_timeout", null, null, "There was no result within 300 seconds."],
] as const;

/** A signed-in page of a rig. */
export async function openAdmin(rig: Rig, browser: TestBrowser, options: Parameters<TestBrowser["open"]>[0] = {}): Promise<OpenPage> {
  const { cookie } = await signIn(rig);
  return openSignedIn(browser, { url: rig.url, cookie }, options);
}

/** `count` generations over `days` days before now: rows of the log, oldest first, and their sums. */
export async function seedUse(rig: Rig, { count = 600, days = 29, seed = 5 } = {}): Promise<RequestRow[]> {
  const { store, requests, clock, limits } = rig.context;
  const random = seededRandom(seed);
  const [keys, tokens] = [await store.listKeys(), await store.listTokens()];
  const now = clock.now();
  const rows = Array.from({ length: count }, (_, index) => {
    const at = now - Math.floor((1 - index / count) * days * DAY) - 60_000;
    const keyId = keys[Math.floor(random() ** 2 * keys.length)]!.id;
    const tokenIds = Array.from({ length: 2 }, () => tokens[Math.floor(random() * tokens.length)]!.id);
    return newRow({ at, keyId, tokenIds, random });
  });
  for (const row of rows) requests.append(row);
  await requests.flush();
  const begun = await store.begin(rows.map(reservationOf));
  await store.end(rows.map((row, index) => endOf(row, (begun[index] as { id: number }).id)));
  await limits.load();
  return rows;
}

type Seed = { at: number; keyId: number; tokenIds: number[]; random: () => number };

function newRow({ at, keyId, tokenIds, random }: Seed): RequestRow {
  const model = MODELS[Math.floor(random() ** 1.5 * MODELS.length)]!;
  const kind = model.includes("omni") ? "video" : "image";
  const failure = random() < 0.09 ? FAILURES[Math.floor(random() * FAILURES.length)]! : null;
  const ms = Math.round((kind === "video" ? 60_000 : 4000) * (0.5 + random() * 2));
  const attempt = (tokenId: number, part: number, ok: boolean): AttemptRow => ({
    tokenId,
    provider: "gemini",
    family: model,
    startedAt: at + Math.round(ms * part) + 40,
    ms: Math.round(ms * (ok ? 1 - part : 0.3)) - 40,
    outcome: ok ? "ok" : (failure?.[0] ?? "upstream_rate_limited"),
    reason: ok ? null : (failure?.[1] ?? "per_minute"),
    upstreamStatus: ok ? 200 : (failure?.[2] ?? 429),
  });
  const hasFailedOver = random() < 0.2;
  const attempts = [...(hasFailedOver ? [attempt(tokenIds[0]!, 0, false)] : []), attempt(tokenIds[1]!, hasFailedOver ? 0.35 : 0, !failure)];
  return {
    id: `req_${newTimeId(at)}`,
    at,
    ms,
    dialect: random() < 0.8 ? "openai" : "gemini",
    route: kind === "video" ? "POST /v1/videos" : "POST /v1/chat/completions",
    keyId,
    model,
    family: model,
    kind,
    outcome: failure?.[0] ?? "ok",
    message: failure?.[3] ?? null,
    images: !failure && kind === "image" ? 1 : 0,
    videoSeconds: !failure && kind === "video" ? 8 : 0,
    inputTokens: 12,
    outputTokens: failure ? 0 : 1290,
    usd: failure ? 0 : kind === "video" ? 0.8 : 0.039,
    stream: random() < 0.4,
    mediaIds: [],
    attempts,
  };
}

const reservationOf = (row: RequestRow) => ({
  keyId: row.keyId!,
  requestId: row.id,
  kind: row.kind!,
  family: row.family!,
  at: row.at,
  estimate: amountsOf(row),
});

const amountsOf = ({ images, videoSeconds, usd }: Pick<RequestRow, "images" | "videoSeconds" | "usd">) => ({
  images,
  videoMs: videoSeconds * 1000,
  microUsd: Math.round(usd * 1e6),
});

function endOf(row: RequestRow, id: number): ReservationEnd {
  const { at, ms, outcome, inputTokens, outputTokens, attempts } = row;
  const calls = attempts.map((attempt) => {
    const ok = attempt.outcome === "ok";
    return { tokenId: attempt.tokenId, ok, ms: attempt.ms, amounts: amountsOf(ok ? row : { images: 0, videoSeconds: 0, usd: 0 }) };
  });
  return {
    id,
    state: "settled",
    endedAt: at + ms,
    actual: amountsOf(row),
    periods: Object.values(periodsAt(at)),
    hour: at - (at % HOUR),
    ok: outcome === "ok",
    ms,
    inputTokens,
    outputTokens,
    calls,
  };
}
