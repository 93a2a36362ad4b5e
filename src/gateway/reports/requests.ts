// Requests as operators read them: pages of the log by name, one that still runs, and CSV.
import type { JobRow, JobStore } from "../../db/jobs.ts";
import type { RequestLog, Store } from "../../db/store.ts";
import type { JobState } from "../../domain/job.ts";
import { failureReason, type RequestFilter, type RequestRow } from "../../domain/request.ts";
import type { TokenRow } from "../../domain/token.ts";
import { videoPayload } from "../generation/request-payload.ts";
import type { RunningGeneration, RunningGenerations } from "../generation/running-generations.ts";
import type { Keys } from "../keys/keys.ts";
import type { Pool } from "../pool/pool.ts";
import { BYTE_ORDER_MARK, csvLine } from "./csv.ts";
import { type NamedAlike, type RequestQuery, requestFilter } from "./request-query.ts";

export type RequestReportDependencies = {
  requests: Pick<RequestLog, "list" | "get">;
  store: Pick<Store, "listKeys"> & Pick<JobStore, "findJob">;
  keys: Pick<Keys, "get">;
  pool: Pick<Pool, "view" | "rows">;
};

/** Who asks, and when: times without a zone are theirs. */
export type Reader = { now: number; timeZone: string | null };

/** Names of a kind that a text is looked for in at most. */
const MAX_NAMED = 100;
/** Shorter texts are in half of all names. */
const MIN_NAME = 2;

/** Keys by name or visible beginning, and tokens by label, that hold the text; at most 100 of each. */
export async function namedAlike({ store, pool }: Pick<RequestReportDependencies, "store" | "pool">, text: string): Promise<NamedAlike> {
  const wanted = text.trim().toLowerCase();
  if (wanted.length < MIN_NAME) return { keys: [], tokens: [] };
  const isNamed = (name: string, prefix: string) => name.toLowerCase().includes(wanted) || wanted.startsWith(prefix.toLowerCase());
  const keys = (await store.listKeys()).filter(({ name, prefix }) => isNamed(name, prefix));
  return { keys: keys.slice(0, MAX_NAMED).map(({ id }) => id), tokens: labelledTokens(pool.rows(), wanted) };
}

/** Ids of tokens whose label, account or group holds the text, which is in lower case. */
function labelledTokens(rows: readonly TokenRow[], wanted: string): number[] {
  const found: number[] = [];
  for (const { id, label, identity, group } of rows) {
    if (found.length === MAX_NAMED) break;
    if ([label, identity, group].some((name) => name?.toLowerCase().includes(wanted))) found.push(id);
  }
  return found;
}

/** Newest first; `next`: id of the last row where there are more. */
export async function pageOfRequests(
  deps: RequestReportDependencies,
  query: RequestQuery,
  { size, ...reader }: Reader & { size: number },
): Promise<{ rows: RequestRow[]; next: string | null }> {
  const filter = await filterOf(deps, query, reader);
  const rows = await deps.requests.list({ ...filter, limit: size + 1 });
  const shown = rows.slice(0, size);
  return { rows: shown, next: rows.length > size ? (shown.at(-1)?.id ?? null) : null };
}

/** What the address of a list asks the log for. */
export async function filterOf(deps: RequestReportDependencies, query: RequestQuery, reader: Reader) {
  const named = query.q === undefined ? undefined : await namedAlike(deps, query.q);
  return requestFilter(query, { ...reader, named });
}

/** A request that has not ended, or whose outcome nobody knows: as a row would have it so far. */
export type OpenRequest = {
  row: Omit<RequestRow, "ms" | "outcome">;
  /** Null: it is no job. */
  jobId: string | null;
  state: JobState;
  /** In the queue; null: it does not wait. */
  position: number | null;
  /** Of the token whose call runs or ran last; null: none yet. */
  tokenLabel: string | null;
  /** Null: not known here. */
  reservedUsd: number | null;
};

const NOTHING_YET = { stream: false, images: 0, videoSeconds: 0, inputTokens: 0, outputTokens: 0, usd: 0, message: null, mediaIds: [] };

type FindDependencies = Pick<RequestReportDependencies, "requests" | "store" | "pool"> & { running: Pick<RunningGenerations, "find"> };

/** One request: of the log, else of its job, else of what runs. */
export async function findRequest(deps: FindDependencies, id: string): Promise<{ row: RequestRow } | { open: OpenRequest } | null> {
  // Before the log is read: what ends meanwhile is in it.
  const running = deps.running.find(id);
  const row = await deps.requests.get(id);
  if (row) return { row };
  const job = await deps.store.findJob(id);
  if (job) return { open: openJob(job, deps.pool) };
  return running && { open: openGeneration(running) };
}

function openGeneration({ requestId, kind, keyId, model, family, startedAt, state, position, token }: RunningGeneration): OpenRequest {
  const row = { ...NOTHING_YET, id: requestId, at: startedAt, dialect: "", route: "", keyId, model, family, kind, attempts: [] };
  return { row, jobId: null, state, position, tokenLabel: token?.label ?? null, reservedUsd: null };
}

function openJob(job: JobRow, pool: Pick<Pool, "view">): OpenRequest {
  const { id, requestId, dialect, route, keyId, model, family, kind, mediaIds, tokenId, provider, createdAt, state, usd, error } = job;
  const calls = tokenId === null ? [] : [{ tokenId, provider: provider ?? "", family, startedAt: createdAt, ms: 0, outcome: state }];
  const facts = { id: requestId, at: createdAt, dialect, route, keyId, model, family, kind, mediaIds, message: error?.message ?? null };
  const attempts = calls.map((call) => ({ ...call, reason: null, upstreamStatus: null }));
  return {
    row: { ...NOTHING_YET, ...facts, attempts, payload: videoPayload(job) },
    ...{ jobId: id, state, position: null, reservedUsd: usd, tokenLabel: tokenId === null ? null : (pool.view(tokenId)?.label ?? null) },
  };
}

/** Rows read at once for a file: about 5 ms of the event loop, then others have their turn. */
const SLICE = 250;

const COLUMNS = [
  ...["id", "started_at", "ended_at", "ms", "dialect", "route", "key_id", "key", "model", "family", "kind", "outcome", "reason", "message"],
  ...["images", "video_seconds", "input_tokens", "output_tokens", "usd", "streamed", "token_id", "token", "calls", "address", "times"],
  "prompt",
];

/** All rows that match, newest first, in slices; times are UTC. What is written while it is read is left out. */
export async function* requestsCsv(deps: RequestReportDependencies, filter: Omit<RequestFilter, "limit">): AsyncGenerator<string> {
  yield BYTE_ORDER_MARK + csvLine(COLUMNS);
  for (let before = filter.before; ; ) {
    const rows = await deps.requests.list({ ...filter, before, limit: SLICE, withPayload: true });
    if (rows.length > 0) yield rows.map((row) => csvLine(cellsOf(deps, row))).join("");
    if (rows.length < SLICE) return;
    before = rows.at(-1)!.id;
    await Bun.sleep(0);
  }
}

function cellsOf({ keys, pool }: RequestReportDependencies, row: RequestRow): (string | number | null)[] {
  const { id, at, ms, dialect, route, keyId, model, family, kind, outcome, message, attempts, refusal } = row;
  const { images, videoSeconds, inputTokens, outputTokens, usd, stream, payload } = row;
  const tokenId = attempts.at(-1)?.tokenId ?? null;
  const why = outcome === "ok" ? null : failureReason(row);
  return [
    ...[id, iso(at), iso(at + ms), ms, dialect, route, keyId, keyId === null ? null : (keys.get(keyId)?.name ?? null), model, family, kind],
    ...[outcome, why, message, images, videoSeconds, inputTokens, outputTokens, usd, Number(stream), tokenId],
    ...[tokenId === null ? null : (pool.view(tokenId)?.label ?? null), attempts.length, refusal?.address ?? null, refusal?.times ?? 1],
    payload?.prompt ?? null,
  ];
}

const iso = (time: number) => new Date(time).toISOString();
