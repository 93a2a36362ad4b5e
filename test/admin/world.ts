// Data folder with hostile and long text for admin tests, and the URL of every page and fragment.

import type { JobRow } from "../../src/db/jobs.ts";
import type { ReservationEnd } from "../../src/db/ledger.ts";
import { FIRST_ACCOUNT } from "../../src/domain/account.ts";
import { JOB_STATES, type JobState } from "../../src/domain/job.ts";
import type { RequestRow } from "../../src/domain/request.ts";
import { hashKey } from "../../src/gateway/keys/keys.ts";
import { operatorKey } from "../../src/gateway/keys/operator-key.ts";
import { PIXEL_PNG } from "../../src/gateway/media/media.fixtures.ts";
import { newId, newKey, newTimeId } from "../../src/ids.ts";
import type { Rig } from "../rig.ts";
import { adminRoutes, type SignedIn } from "./admin.ts";

const HOUR = 3_600_000;
const IN_A_BATCH = 100;

/** Ids of what was put in, one for each text, in the order of the texts. */
export type AdminWorld = Record<"channels" | "tokens" | "keys" | "requests" | "media" | "jobs", string[]> & {
  imports: string[];
  trail: string[];
};

/**
 * Puts every text in every place that people, clients and upstreams write to: as label, note, tag, group, proxy and account of tokens, as
 * name of keys, model, prompt, family and error of requests and jobs, name of files, and in audit log, sessions, sums and an import.
 */
export async function fillAdmin(rig: Rig, me: SignedIn, texts: readonly string[]): Promise<AdminWorld> {
  const at = (index: number) => texts[index % texts.length]!;
  const tokens = await fillTokens(rig, texts, at);
  const keys = await fillKeys(rig, texts, at);
  const requests = requestRows(rig, texts, at, keys.map(Number), tokens.map(Number));
  const media = await fillMedia(rig, texts, requests);
  for (const [index, row] of requests.entries()) rig.context.requests.append({ ...row, mediaIds: [media[index]!] });
  await rig.context.requests.flush();
  await fillSums(rig, requests);
  const jobs = await fillJobs(rig, texts, at, { keys, tokens, media });
  await fillTrail(rig, texts);
  const imports = [await previewImport(me, texts)];
  const trail = [await fillManyTrail(rig, texts)];
  const channels = await fillAlerts(rig, texts);
  await fillPeople(rig, texts);
  return { channels, tokens, keys, requests: requests.map(({ id }) => id), media, jobs, imports, trail };
}

/** Somebody else of every name, the first with a password and a token of the JSON API. */
async function fillPeople({ context: { store, clock, adminTokens } }: Rig, texts: readonly string[]): Promise<void> {
  for (const [index, name] of texts.slice(0, 5).entries()) {
    const source = index === 0 ? "password" : "oidc";
    const { id } = await store.insertAccount(
      { source, subject: `person-${index}`, name, role: "viewer", passwordHash: null, passwordTemporary: false },
      clock.now(),
    );
    await adminTokens.issue(
      { name: name.slice(0, 100).trim() || "a token", scope: "read", expiresAt: null, accountId: id },
      { address: null, actor: name },
    );
  }
}

/** Channels that send nothing, and incidents that name every text; one of them is open. */
async function fillAlerts({ context: { store, clock, alerts } }: Rig, texts: readonly string[]): Promise<string[]> {
  const now = clock.now();
  const ids = texts.slice(0, 20).map((_, index) => `channel${index}`);
  for (const [index, id] of ids.entries()) {
    const config = { url: "https://hooks.example.com/secret-of-a-hook", token: "secret-token", chat: texts[index]! };
    await store.putChannel({
      id,
      kind: index % 2 === 0 ? "telegram" : "webhook",
      name: texts[index]!,
      enabled: false,
      rules: [],
      config,
      createdAt: now,
    });
    await store.updateChannelState(id, { failedAt: now, error: texts[index]! });
  }
  const incidents = texts.map((text, index) => ({
    ...{
      id: `incident${index}`,
      rule: "other",
      subject: `test ${index}`,
      beganAt: now - 60_000,
      endedAt: index === 0 ? null : now,
      settled: index > 0,
    },
    state: { facts: { kind: "channel", name: text, error: text }, level: 1, urgent: false, changedAt: now, toldAt: now, toldLevel: 1 },
  }));
  for (let index = 0; index < incidents.length; index += 500) await store.saveIncidents(incidents.slice(index, index + 500), []);
  await alerts.look();
  return ids.slice(0, 2);
}

type At = (index: number) => string;

/** What names a thing stands in addresses, and has its limit wherever it comes in. */
const named = (text: string) => (text.length > 300 ? text.slice(0, 100) : text);

async function fillTokens({ context }: Rig, texts: readonly string[], at: At): Promise<string[]> {
  const { store, clock, pool } = context;
  const rows = texts.map((label, index) => ({
    provider: index % 5 === 0 ? "flow" : "gemini",
    label,
    secret: `secret-${index}-${newId()}`,
    note: at(index + 1),
    tags: [named(at(index + 2)), named(at(index + 3))],
    group: named(at(index + 4)),
    proxy: at(index + 5),
    identity: at(index + 6),
    enabled: index % 7 !== 0,
  }));
  const known = new Set((await store.listTokens()).map(({ id }) => id));
  for (let index = 0; index < rows.length; index += 500) await store.insertTokens(rows.slice(index, index + 500), clock.now());
  const ids = (await store.listTokens()).map(({ id }) => id).filter((id) => !known.has(id));
  for (const [index, id] of ids.entries()) if (index % 3 === 0) await store.updateToken(id, { families: [at(index + 7)], credits: index });
  await until(() => pool.rows().length === known.size + ids.length);
  const reasons = ["key_invalid", "billing", "per_minute"] as const;
  for (const [index, id] of ids.entries()) {
    const reason = reasons[index % 9];
    if (reason) pool.reportOutcome(id, { ok: false, kind: "upstream_unauthorized", detail: { scope: "token", reason }, charged: false });
  }
  return ids.map(String);
}

async function fillKeys({ context }: Rig, texts: readonly string[], at: At): Promise<string[]> {
  const { store, clock, keys } = context;
  const known = keys.count();
  const ids: string[] = [];
  for (const [index, name] of texts.entries()) {
    const { key, prefix } = newKey();
    const row = await store.insertKey(
      { name, hash: hashKey(key), prefix, models: [at(index + 1)], addresses: ["10.0.0.0/8"] },
      clock.now(),
    );
    ids.push(`${row.id}`);
  }
  await until(() => keys.count() === known + ids.length);
  return ids;
}

function requestRows({ context }: Rig, texts: readonly string[], at: At, keys: number[], tokens: number[]): RequestRow[] {
  const now = context.clock.now();
  return texts.map((model, index): RequestRow => {
    const time = now - (texts.length - index) * 60_000;
    const ok = index % 2 === 0;
    const call = {
      tokenId: tokens[index]!,
      provider: "gemini",
      family: named(at(index + 1)),
      startedAt: time,
      ms: 900,
      upstreamStatus: 400,
    };
    return {
      id: `req_${newTimeId(time)}`,
      at: time,
      ms: 1000,
      dialect: "openai",
      route: "POST /v1/chat/completions",
      keyId: keys[index]!,
      model,
      family: named(at(index + 1)),
      kind: index % 4 === 0 ? "video" : "image",
      outcome: ok ? "ok" : "upstream_invalid",
      message: at(index + 2),
      images: ok ? 1 : 0,
      videoSeconds: 0,
      inputTokens: 10,
      outputTokens: 10,
      usd: 0.04,
      stream: false,
      mediaIds: [],
      attempts: [{ ...call, outcome: ok ? "ok" : "upstream_invalid", reason: ok ? null : at(index + 3) }],
      payload: { prompt: at(index + 4), parameters: { [at(index + 5)]: at(index + 6) } },
    };
  });
}

/** A result for each request, and an uploaded file for each text. */
async function fillMedia({ context }: Rig, texts: readonly string[], requests: readonly RequestRow[]): Promise<string[]> {
  const ids: string[] = [];
  for (const [index, name] of texts.entries()) {
    const { id: requestId, keyId, family } = requests[index]!;
    await context.media.storeBytes(PIXEL_PNG, { origin: "input", keyId, requestId, name, purpose: name });
    ids.push((await context.media.storeBytes(PIXEL_PNG, { origin: "result", keyId, requestId, family, name })).id);
  }
  return ids;
}

async function fillSums({ context }: Rig, requests: readonly RequestRow[]): Promise<void> {
  const amounts = { images: 1, videoMs: 0, microUsd: 40_000 };
  for (let start = 0; start < requests.length; start += IN_A_BATCH) {
    const rows = requests.slice(start, start + IN_A_BATCH);
    const begun = await context.store.begin(
      rows.map(({ id, keyId, at, family, kind }) => {
        return { requestId: id, keyId: keyId!, at, family: family!, kind: kind!, estimate: amounts };
      }),
    );
    const ends = rows.map((row, index): ReservationEnd => {
      const { at, ms, inputTokens, outputTokens, attempts } = row;
      const ok = row.outcome === "ok";
      const calls = attempts.map(({ tokenId }) => ({ tokenId, ok, ms, amounts }));
      const sums = { actual: amounts, periods: [], hour: at - (at % HOUR), ok, ms, inputTokens, outputTokens, calls };
      return { id: (begun[index] as { id: number }).id, state: "settled", endedAt: at + ms, ...sums };
    });
    await context.store.end(ends);
  }
}

const STATES: readonly JobState[] = JOB_STATES.filter((state) => state !== "unknown");

async function fillJobs(
  { context }: Rig,
  texts: readonly string[],
  at: At,
  { keys, tokens, media }: Pick<AdminWorld, "keys" | "tokens" | "media">,
): Promise<string[]> {
  const { store, clock } = context;
  const now = clock.now();
  const operator = await operatorKey({ ...context, now: clock.now, refresh: async () => {} });
  const ids: string[] = [];
  for (const [index, prompt] of texts.entries()) {
    const state = index < 3 ? "unknown" : STATES[index % STATES.length]!;
    const hasEnded = state === "completed" || state === "failed" || state === "cancelled";
    const error = { kind: "upstream_invalid" as const, message: at(index + 1), reason: at(index + 2), detail: null, charged: false };
    const job: JobRow = {
      id: `video_${newId()}`,
      kind: "video",
      // Those of the operator are the playground's history.
      keyId: (texts.length - index) % 4 === 1 ? operator.id : Number(keys[index]),
      requestId: `req_${newTimeId(now)}`,
      dialect: "openai",
      route: "POST /v1/videos",
      state,
      model: at(index + 3),
      family: named(at(index + 4)),
      provider: "gemini",
      tokenId: Number(tokens[index]),
      prompt,
      mode: "text",
      aspect: "16:9",
      resolution: "720p",
      seconds: 8,
      progress: 40,
      createdAt: now - index * 1000,
      submittedAt: state === "queued" ? null : now,
      endedAt: hasEnded ? now : null,
      deadlineAt: now + HOUR,
      error: state === "failed" ? error : null,
      mediaIds: state === "completed" ? [media[index]!] : [],
      thumbnailId: null,
      sourceJobId: null,
      usage: null,
      usd: 0.8,
      webhookUrl: `https://hooks.example/${encodeURIComponent(at(index + 5))}`,
      echo: { metadata: at(index + 6) },
      plan: { prompt, fits: { gemini: { quality: "fast", seconds: 8 } }, images: [], estimateUsd: 0.8, minTier: 0 },
      operation: null,
      step: null,
      result: null,
      charged: false,
      cancelAsked: false,
      removed: false,
    };
    await store.insertJob(job);
    ids.push(job.id);
  }
  return ids;
}

/** The audit log and sessions. */
async function fillTrail({ context }: Rig, texts: readonly string[]): Promise<void> {
  const { store, clock } = context;
  const address = "203.0.113.7";
  const account = (await store.getAccount(FIRST_ACCOUNT))!;
  for (const [index, text] of texts.entries()) {
    await store.insertAudit({
      at: clock.now(),
      actor: "admin",
      address,
      action: "token.edit",
      subject: text,
      before: { note: text },
      after: text,
    });
    if (index < 50) await context.sessions.open({ account, address, agent: text });
  }
}

/** A list that is read and not put in. */
async function previewImport(me: SignedIn, texts: readonly string[]): Promise<string> {
  const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = texts.map((text, index) => [`AIza${"x".repeat(30)}${index}`, text, text, text].map(cell).join(","));
  const response = await me.post("/admin/tokens/import", { provider: "gemini", text: ["secret,label,note,group", ...lines].join("\n") });
  const id = /\/imports\/([^/?]+)/.exec(response.headers.get("location") ?? "")?.[1];
  if (!id) throw new Error(`The import was answered with ${response.status}: ${await response.text()}`);
  return id;
}

async function until(check: () => boolean): Promise<void> {
  for (let waited = 0; !check(); waited += 10) {
    if (waited > 10_000) throw new Error("What was written did not arrive in memory.");
    await Bun.sleep(10);
  }
}

/** Streams, and what is no HTML. */
const NO_PAGE = /^\/admin\/(assets|events)\/|\/(events|csv|file|thumb)$|\.(csv|json)$/;
/** Lead on: to the step that is next, to a provider of identities that is not set up. */
const LEADS_ON = ["/admin/welcome/", "/admin/login/oidc", "/admin/login/oidc/callback"];

/** Every address that answers HTML, as the program lists them; those that name a thing as `/admin/jobs/:id`. */
export async function htmlRoutes(rig: Rig): Promise<string[]> {
  const paths = (await adminRoutes(rig))
    .filter(({ method, path }) => method === "GET" && path.startsWith("/admin/"))
    .map(({ path }) => path);
  return [...new Set(paths)].filter((path) => !NO_PAGE.test(path) && !LEADS_ON.includes(path)).sort();
}

/** An entry of the audit log that concerns many things; its id. */
async function fillManyTrail({ context: { audit } }: Rig, texts: readonly string[]): Promise<string> {
  const items = [...texts, "one more"].map((text) => ({ subject: text, before: { note: "" }, after: { note: text } }));
  await audit.recordMany({ action: "token.change", subject: "tokens", items }, { address: null });
  return String((await audit.list({ limit: 1 }))[0]!.id);
}

/** Pages that show other things as their address asks. */
const VARIANTS: Record<string, (world: AdminWorld) => string[]> = {
  "/admin/usage/": ({ keys }) => ["", "?by=model", "?by=key", "?by=token", `?key=${keys[0]}`].map((query) => `/admin/usage/${query}`),
  "/admin/playground/": ({ jobs, media }) =>
    ["", `?job=${jobs.at(-1)}`, `?job=${jobs[0]}`, `?use=${media[0]}`].map((query) => `/admin/playground/${query}`),
  "/admin/gallery/compare": ({ media }) => [`/admin/gallery/compare?a=${media[0]}&b=${media.at(-1)}`],
  "/admin/playground/reference": ({ media }) => [`/admin/playground/reference?id=${media[0]}`],
};

/** What stands for the name in a route. A route without an example fails: every page is viewed. */
export function examplesOf(route: string, world: AdminWorld): readonly string[] {
  const examples: readonly [string, readonly string[]][] = [
    ["/admin/tokens/imports/:id", world.imports],
    ["/admin/system/audit/:id", world.trail],
    ["/admin/account/people/:id", ["2"]],
    ["/admin/tokens/:id", world.tokens],
    ["/admin/keys/:id", world.keys],
    ["/admin/gallery/:id", world.media],
    ["/admin/jobs/:id", world.jobs],
    ["/admin/requests/:id", world.requests],
    ["/admin/models/:id", ["gemini-3-pro-image"]],
    ["/admin/settings/secret/:key", ["plugin.connection_token"]],
    ["/admin/settings/alerts/channels/:id", world.channels],
  ];
  if (!route.includes(":")) return VARIANTS[route]?.(world) ?? [route];
  const found = examples.find(([prefix]) => route.startsWith(prefix));
  if (!found) throw new Error(`admin-world.ts has no example for ${route}`);
  return found[1].map((id) => route.replace(/:\w+/, encodeURIComponent(id)));
}
