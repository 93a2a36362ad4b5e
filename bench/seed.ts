// A data folder of a large installation: a million requests of a month, ten thousand tokens, a hundred thousand media, by SQL in few transactions.
import { Database, type SQLQueryBindings } from "bun:sqlite";
import { join } from "node:path";
import { systemClock } from "../src/clock.ts";
import type { JobRow } from "../src/db/jobs.ts";
import { indexRequests } from "../src/db/sqlite/request-log/request-index.ts";
import { openRequestLog } from "../src/db/sqlite/request-log/request-log.ts";
import { loadSecretKey } from "../src/db/sqlite/secrets.ts";
import { openStore } from "../src/db/sqlite/store.ts";
import type { Store } from "../src/db/store.ts";
import { BEAT_MS } from "../src/domain/token.ts";
import { storePassword } from "../src/gateway/auth/password.ts";
import { writeVideoSpec } from "../src/gateway/jobs/video-spec.ts";
import { builtInCatalogue } from "../src/gateway/models/catalogue/build.ts";
import { newId, newKey, newTimeId } from "../src/ids.ts";
import { silentLog } from "../src/log.ts";
import { renderedImage } from "../src/simulator/media/images.ts";
import { seededRandom } from "../src/testing.ts";
import { ADMIN_PASSWORD } from "../test/admin/admin.ts";

export type SeedSize = { requests: number; tokens: number; media: number; keys: number; jobs: number };

export const LARGE: SeedSize = { requests: 1_000_000, tokens: 10_000, media: 100_000, keys: 200, jobs: 20_000 };

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A little less than the age at which a server deletes by itself. */
const SPAN = 29 * DAY;
const CATALOGUE = builtInCatalogue();
const FAMILIES = [...CATALOGUE.families("image").slice(0, 4), ...CATALOGUE.families("video").slice(0, 2)].map(({ id, kind }) => ({
  id,
  kind,
}));
const FAILURES = [
  ["upstream_rate_limited", "per_minute", 429, "The upstream takes no more calls for 31 s."],
  ["content_policy", "policy_input", 400, "The upstream refused the prompt."],
  ["upstream_unavailable", "overloaded", 503, "The upstream is overloaded."],
  ["upstream_timeout", null, null, "There was no result within 300 seconds."],
] as const;
const PROMPTS = [
  "a fox in the snow",
  "the harbour at dawn, long exposure",
  "一只在雪地里的狐狸",
  "a paper boat on a quiet lake, soft light, 35 mm",
];
const WORDS = ["aurora", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor"];

/** Fills an empty folder; the server that opens it finds the admin password of the tests' helper. Takes about a minute when large. */
export async function seed(dataDir: string, size: SeedSize, progress: (what: string) => void = () => {}): Promise<void> {
  const now = Date.now();
  const random = seededRandom(11);
  const store = await openStore({ dataDir, secretKey: loadSecretKey(dataDir, {}) });
  await (await openRequestLog({ dataDir, clock: systemClock, log: silentLog })).close();
  progress("tokens");
  await seedTokens(store, size.tokens, now);
  await storePassword(store, ADMIN_PASSWORD, false);
  for (let index = 0; index < size.keys; index++) {
    const { key, prefix } = newKey();
    await store.insertKey({ name: `client ${index + 1}`, prefix, hash: new Bun.CryptoHasher("sha256").update(key).digest() }, now - SPAN);
  }
  await store.close();

  using db = openFast(join(dataDir, "requests.db"));
  db.run("ATTACH ? AS store", [join(dataDir, "flow2api.db")]);
  learnTokens(db);
  progress("requests");
  seedRequests(db, size, now, random);
  progress("words");
  for (let from = 1; from <= size.requests; from += BATCH)
    db.transaction(() => indexRequests(db, { from, to: Math.min(size.requests, from + BATCH - 1) }))();
  progress("rollups");
  seedSums(db);
  progress("media");
  await seedMedia(db, size, now, random);
  progress("jobs");
  seedJobs(db, size, now, random);
  db.run("PRAGMA optimize");
}

/** Lost when the machine dies, which is no loss here. */
function openFast(path: string): Database {
  const db = new Database(path, { strict: true });
  db.run("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA temp_store = MEMORY;");
  return db;
}

async function seedTokens(store: Store, count: number, now: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const batch = Array.from({ length: Math.min(500, count - from) }, (_, offset) => newToken(from + offset));
    await store.insertTokens(batch, now - SPAN);
  }
  const rows = await store.listTokens();
  const held = rows.filter(({ id }) => id % 5 === 0).map(({ id }) => ({ id, health: healthOf(id, now) }));
  await store.saveHealth(held);
}

const newToken = (index: number) => {
  const provider = index % 4 === 3 ? "flow" : "gemini";
  const word = WORDS[index % WORDS.length]!;
  return {
    provider,
    label: `${word}-${index + 1}`,
    secret: `${provider}-bench-${index}-${newId()}`,
    group: provider === "gemini" ? `${word}-project-${Math.floor(index / 8)}` : null,
    enabled: index % 50 !== 7,
    weight: 1 + (index % 3),
    tags: index % 7 === 0 ? ["paid"] : index % 11 === 0 ? ["trial", "europe"] : [],
    note: index % 20 === 0 ? "Bought in October" : "",
    identity: `${word}.${index + 1}@example.com`,
  };
};

/** One in cooldown in five: blocked, cooling as a whole, cooling for one model. */
function healthOf(id: number, now: number) {
  const condition = (state: string, reason: string, until: number | null) => ({
    condition: { state, reason, since: now - HOUR, until },
    strikes: 1,
  });
  const lastError = { at: now - HOUR, kind: "upstream_rate_limited", reason: "per_minute", upstreamStatus: 429 };
  if (id % 4 === 0) return { token: condition("blocked", "key_invalid", null), lastError };
  if (id % 4 === 1) return { token: condition("cooling", "throttled", now + 6 * HOUR), lastError };
  return { families: { [FAMILIES[0]!.id]: condition("cooling", "per_day", now + 8 * HOUR) }, lastError };
}

/** What checks would have learned. */
function learnTokens(db: Database): void {
  db.query(
    `UPDATE store.tokens SET tier = id % 3, credits = CASE WHEN provider = 'flow' THEN 1000 - id % 900 END, checked_at = created_at,
       families = CASE WHEN id % 4 < 2 THEN $families END`,
  ).run({ families: JSON.stringify(FAMILIES.map(({ id }) => id)) });
}

/** Rows of one transaction. */
const BATCH = 100_000;

type Random = () => number;
const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)]!;

/** Names its columns: later migrations may add some. */
const insertInto = (db: Database, table: string, columns: readonly string[]) =>
  db.query<never, SQLQueryBindings[]>(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`);

/** Writes rows in transactions of some size, with the table's own indexes made afterwards: sorting once beats inserting in no order. */
function writeMany(db: Database, table: string, count: number, write: (index: number) => void): void {
  const indexes = db
    .query<{ name: string; sql: string }, [string]>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?",
    )
    .all(table);
  for (const { name } of indexes) db.run(`DROP INDEX ${name}`);
  for (let from = 0; from < count; from += BATCH) {
    db.transaction(() => {
      for (let index = from; index < Math.min(count, from + BATCH); index++) write(index);
    })();
  }
  for (const { sql } of indexes) db.run(sql);
}

const columns = (text: string) => text.split(" ");
const REQUEST_COLUMNS = columns(
  "seq id at ms dialect route key_id model family kind outcome message images video_seconds input_tokens output_tokens usd stream media_ids",
);
const ATTEMPT_COLUMNS = columns("request position token_id provider family started_at ms outcome reason upstream_status");
const MEDIA_COLUMNS = columns("id kind origin mime ext bytes width height key_id created_at expires_at request_id family data");

function seedRequests(db: Database, size: SeedSize, now: number, random: Random): void {
  const request = insertInto(db, "requests", REQUEST_COLUMNS);
  const attempt = insertInto(db, "attempts", ATTEMPT_COLUMNS);
  const token = () => 1 + Math.floor(random() ** 1.5 * size.tokens);
  const providerOf = (id: number) => ((id - 1) % 4 === 3 ? "flow" : "gemini");
  writeMany(db, "requests", size.requests, (index) => {
    const family = pick(random, FAMILIES);
    const isVideo = family.kind === "video";
    const failure = random() < 0.06 ? pick(random, FAILURES) : null;
    const ms = Math.round((isVideo ? 60_000 : 4_000) * (0.5 + random() * 2));
    // Rows are written as they end.
    const at = Math.floor(now - (1 - index / size.requests) * SPAN - 60_000) - ms;
    const isGood = failure === null;
    const [images, seconds, usd] = !isGood ? [0, 0, 0] : isVideo ? [0, 8, 0.8] : [1, 0, 0.039];
    const route = isVideo ? "POST /v1/videos" : "POST /v1/chat/completions";
    const keyId = 1 + Math.floor(random() ** 3 * size.keys);
    request.run(
      index + 1,
      `req_${newTimeId(at)}`,
      at,
      ms,
      random() < 0.8 ? "openai" : "gemini",
      route,
      keyId,
      family.id,
      family.id,
      family.kind,
      failure?.[0] ?? "ok",
      failure?.[3] ?? null,
      images,
      seconds,
      12,
      isGood ? 1290 : 0,
      usd,
      random() < 0.4,
      "[]",
    );
    let position = 0;
    if (random() < 0.15) {
      const first = token();
      attempt.run(index + 1, position++, first, providerOf(first), family.id, at + 20, 300, "upstream_rate_limited", "per_minute", 429);
    }
    const last = token();
    attempt.run(
      index + 1,
      position,
      last,
      providerOf(last),
      family.id,
      at + 340,
      ms - 340,
      failure?.[0] ?? "ok",
      failure?.[1] ?? null,
      isGood ? 200 : (failure?.[2] ?? null),
    );
  });
}

/** Bucket of a duration as the rollups count: up to 250 ms, 500 ms, and so on. */
const BUCKETS = Array.from({ length: 13 }, (_, index) => {
  const [low, high] = [index === 0 ? -1 : 250 * 2 ** (index - 1), index === 12 ? Number.MAX_SAFE_INTEGER : 250 * 2 ** index];
  return `sum(ok AND ms > ${low} AND ms <= ${high})`;
}).join(", ");

const SUMMED = "requests, errors, images, video_ms, micro_usd, input_tokens, output_tokens, ms_sum";

/** The ledger and its sums, as the million generations would have left them. */
function seedSums(db: Database): void {
  const whole =
    "SELECT ms, outcome = 'ok' AS ok, at, key_id, family, images, CAST(video_seconds * 1000 AS INTEGER) AS video_ms, CAST(usd * 1000000 AS INTEGER) AS micro_usd, input_tokens, output_tokens FROM requests";
  const calls =
    "SELECT ms, outcome = 'ok' AS ok, started_at AS at, token_id, family, (outcome = 'ok') AS images, 0 AS video_ms, 39000 AS micro_usd, 0 AS input_tokens, 0 AS output_tokens FROM attempts";
  const add = (dimension: string, subject: string, from: string) =>
    db.run(
      `INSERT INTO store.usage_hours SELECT '${dimension}', ${subject} AS subject, at - at % ${HOUR} AS hour, family, count(*), sum(NOT ok), sum(images),
         sum(video_ms), sum(micro_usd), sum(input_tokens), sum(output_tokens), sum(ok * ms), max(ok * ms), ${BUCKETS}
       FROM (${from}) GROUP BY subject, hour, family ORDER BY subject, hour, family`,
    );
  const beats = `INSERT INTO store.token_beats SELECT token_id, at / ${BEAT_MS} % 49, at - at % ${BEAT_MS} AS slot, sum(ok), sum(NOT ok)
      FROM (${calls}) WHERE at > (SELECT max(at) FROM requests) - ${DAY} GROUP BY token_id, slot`;
  const perDay = `INSERT INTO store.usage_days SELECT dimension, subject, hour - hour % ${DAY} AS day, family,
      ${SUMMED.split(", ")
        .map((name) => `sum(${name})`)
        .join(", ")}, max(ms_max), ${BUCKETS.split(/, (?=sum)/)
        .map((_, index) => `sum(b${index})`)
        .join(", ")}
    FROM store.usage_hours GROUP BY dimension, subject, day, family ORDER BY dimension, subject, day, family`;
  const ledger = `INSERT INTO store.reservations (id, key_id, request_id, kind, family, at, images, video_ms, micro_usd, state, ended_at, actual_images, actual_video_ms, actual_micro_usd)
      SELECT seq, key_id, id, kind, family, at, images, CAST(video_seconds * 1000 AS INTEGER), CAST(usd * 1000000 AS INTEGER), 'settled', at + ms,
      images, CAST(video_seconds * 1000 AS INTEGER), CAST(usd * 1000000 AS INTEGER) FROM requests`;
  const perKey = (period: string) =>
    `INSERT INTO store.key_usage (period, key_id, images, video_ms, micro_usd) SELECT ${period} AS period, key_id, sum(images), sum(actual_video_ms), sum(micro_usd) FROM store.reservations GROUP BY period, key_id`;
  db.transaction(() => {
    add("all", "0", whole);
    add("key", "key_id", whole);
    add("token", "token_id", calls);
    for (const sql of [
      beats,
      perDay,
      ledger,
      perKey("strftime('%Y-%m-%d', at / 1000, 'unixepoch')"),
      perKey("strftime('%Y-%m', at / 1000, 'unixepoch')"),
      perKey("'total'"),
    ])
      db.run(sql);
  })();
}

/** Small images with their row; every tenth belongs to a request of the log. */
async function seedMedia(db: Database, size: SeedSize, now: number, random: Random): Promise<void> {
  const images = await Promise.all([64, 96, 128].map((side) => checker(side)));
  const row = insertInto(db, "store.media", MEDIA_COLUMNS);
  const request = db.query<{ id: string }, [number]>("SELECT id FROM requests WHERE seq = ?");
  const link = db.query<never, SQLQueryBindings[]>("UPDATE requests SET media_ids = ? WHERE seq = ?");
  db.transaction(() => {
    for (let index = 0; index < size.media; index++) {
      const renderedImage = pick(random, images);
      const at = Math.floor(now - (1 - index / size.media) * SPAN - 60_000);
      const id = newId();
      const isInput = random() < 0.1;
      const seq = 1 + Math.floor((index / size.media) * size.requests);
      const requestId = request.get(seq)?.id ?? null;
      const family = pick(random, FAMILIES).id;
      row.run(
        id,
        "image",
        isInput ? "input" : "result",
        "image/png",
        "png",
        renderedImage.bytes.length,
        renderedImage.side,
        renderedImage.side,
        1 + Math.floor(random() * size.keys),
        at,
        now + DAY,
        requestId,
        isInput ? null : family,
        renderedImage.bytes,
      );
      if (!isInput) link.run(JSON.stringify([id]), seq);
    }
  })();
}

async function checker(side: number): Promise<{ side: number; bytes: Uint8Array }> {
  const { bytes } = await renderedImage({ prompt: "a fox in the snow", seed: side, width: side, height: side, type: "image/png" });
  return { side, bytes };
}

function seedJobs(db: Database, size: SeedSize, now: number, random: Random): void {
  const insert = db.query<never, SQLQueryBindings[]>(
    `INSERT INTO store.jobs (id, kind, key_id, request_id, state, created_at, ended_at, removed, webhook_url, body) VALUES (?, 'video', ?, ?, ?, ?, ?, 0, NULL, ?)`,
  );
  db.transaction(() => {
    for (let index = 0; index < size.jobs; index++) {
      const at = Math.floor(now - (1 - index / size.jobs) * SPAN - 60_000);
      const state = random() < 0.002 ? "unknown" : random() < 0.1 ? "failed" : "completed";
      insert.run(
        `video_${newTimeId(at)}`,
        1 + Math.floor(random() * size.keys),
        `req_${newTimeId(at)}`,
        state,
        at,
        state === "unknown" ? null : at + 70_000,
        jobBody(state, at, random),
      );
    }
  })();
}

function jobBody(state: string, at: number, random: Random): string {
  const body: Omit<JobRow, "id" | "kind" | "keyId" | "requestId" | "state" | "createdAt" | "endedAt" | "removed" | "webhookUrl"> = {
    dialect: "openai",
    model: "omni",
    family: "omni",
    provider: "flow",
    tokenId: 4,
    prompt: pick(random, PROMPTS),
    mode: "text",
    aspect: "16:9",
    resolution: "720p",
    seconds: 8,
    progress: state === "completed" ? 100 : 40,
    submittedAt: at + 500,
    deadlineAt: at + HOUR,
    error: state === "failed" ? { kind: "upstream_timeout", message: FAILURES[3][3], reason: null, detail: null, charged: true } : null,
    mediaIds: [],
    thumbnailId: null,
    sourceJobId: null,
    usage: null,
    usd: 0.8,
    echo: {},
    route: "POST /v1/videos",
    plan: writeVideoSpec({ prompt: "", fits: {}, minTier: {}, estimateUsd: 0.8, images: [], source: null }),
    operation: null,
    step: null,
    result: null,
    charged: state !== "completed",
    cancelAsked: false,
  };
  return JSON.stringify(body);
}
