// Gallery: pages of media items, and everything stored about one of them.

import type { JobRow } from "../../db/jobs.ts";
import type { MediaFilter } from "../../db/media.ts";
import type { RequestLog, Store } from "../../db/store.ts";
import type { Media } from "../../domain/generation.ts";
import { omit } from "../../domain/omit.ts";
import type { RequestRow } from "../../domain/request.ts";
import type { MediaTrash } from "./trash.ts";

/** What is asked for, as an address says it. Empty texts: all. Dates are days in UTC, the last one included. */
export type GalleryQuery = {
  origin: Media["origin"];
  kind: "" | "image" | "video";
  model: string;
  /** Words of the prompt. */
  q: string;
  /** Id of a key. */
  key: string;
  from: string;
  to: string;
  /** `<created>.<id>` of the last item of the previous page. */
  before: string;
};

/** A media item with the prompt that it was made from; null: none is stored. */
export type GalleryTile = Media & { prompt: string | null };

export type GalleryPage = { items: GalleryTile[] /** Of the page after this one; null: there is none. */; next: string | null };

/** How many match, by kind, counted up to {@link MOST_COUNTED} of each. */
export type GalleryCounts = { image: number; video: number };

/** What a gallery is made of. */
export type GallerySources = {
  store: Pick<Store, "listMedia" | "countMedia" | "promptsOfRequests" | "listJobs">;
  requests: Pick<RequestLog, "list" | "promptsOf">;
  trash: Pick<MediaTrash, "has">;
};

/** Everything stored about one media item. */
export type GalleryItem = {
  media: Media;
  /** The job that made it, or null. */
  job: JobRow | null;
  /** Null: not logged, or past its age. */
  request: RequestRow | null;
};

/** Counting further costs more than it says. */
export const MOST_COUNTED = 10_000;
/** Longest text that is searched for. */
const MAX_TEXT = 200;
/** Newest requests, and newest jobs, whose prompts match a search. */
const MOST_FOUND = 500;
const DAY_MS = 86_400_000;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Reads an address; what cannot be read is left out. */
export function readGalleryQuery(params: URLSearchParams): GalleryQuery {
  const text = (name: string, form: RegExp) => {
    const value = (params.get(name) ?? "").trim();
    return form.test(value) ? value : "";
  };
  return {
    origin: params.get("origin") === "input" ? "input" : "result",
    kind: text("kind", /^(image|video)$/) as GalleryQuery["kind"],
    q: (params.get("q") ?? "").trim().slice(0, MAX_TEXT),
    model: text("model", /^[\w.-]{1,100}$/),
    key: text("key", /^\d{1,15}$/),
    from: text("from", DAY),
    to: text("to", DAY),
    before: text("before", /^\d{1,16}\.[a-z2-7]{26}$/),
  };
}

/** The media that match, newest first, without those that are being deleted. */
export async function pageOfMedia(sources: GallerySources, query: GalleryQuery, size: number): Promise<GalleryPage> {
  const { store, trash } = sources;
  const rows = await store.listMedia({ ...(await filterOf(sources, query)), limit: size + 1 });
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  return {
    items: await withPrompts(
      sources,
      shown.filter(({ id }) => !trash.has(id)),
    ),
    next: rows.length > size && last ? `${last.createdAt}.${last.id}` : null,
  };
}

/** Of everything that matches but the kind. */
export async function countGallery(sources: GallerySources, query: GalleryQuery): Promise<GalleryCounts> {
  const filter = omit(await filterOf(sources, query), ["kind", "before"]);
  const count = (kind: "image" | "video") => sources.store.countMedia({ ...filter, kind, limit: MOST_COUNTED });
  const [image, video] = await Promise.all([count("image"), count("video")]);
  return { image, video };
}

/** Everything that matches, newest first, at most `limit`; without those that are being deleted. */
export async function allOfGallery(sources: GallerySources, query: GalleryQuery, limit: number): Promise<Media[]> {
  const rows = await sources.store.listMedia({ ...omit(await filterOf(sources, query), ["before"]), limit });
  return rows.filter(({ id }) => !sources.trash.has(id));
}

/** Of some ids, those that are there and not being deleted, in the order of the ids: whichever of results and inputs they are. */
export async function mediaOfIds({ store, trash }: GallerySources, ids: readonly string[]): Promise<Media[]> {
  if (ids.length === 0) return [];
  const found = await Promise.all((["result", "input"] as const).map((origin) => store.listMedia({ origin, ids, limit: ids.length })));
  const byId = new Map(found.flat().map((media) => [media.id, media]));
  return ids.flatMap((id) => (trash.has(id) ? [] : (byId.get(id) ?? [])));
}

/** The prompt of a job, else the one that was recorded with the request. */
async function withPrompts({ store, requests }: GallerySources, media: readonly Media[]): Promise<GalleryTile[]> {
  const ids = [...new Set(media.flatMap(({ requestId }) => requestId ?? []))];
  const prompts = new Map((await store.promptsOfRequests(ids)).map(({ requestId, prompt }) => [requestId, prompt] as const));
  const others = ids.filter((id) => !prompts.has(id));
  if (others.length > 0) for (const { id, prompt } of await requests.promptsOf(others)) prompts.set(id, prompt);
  return media.map((one) => ({ ...one, prompt: (one.requestId === null ? null : prompts.get(one.requestId)) || null }));
}

/** Results whose prompt holds the text: of jobs, and of requests whose prompts were recorded. */
async function findByPrompt({ store, requests }: GallerySources, text: string): Promise<string[]> {
  const [jobs, rows] = await Promise.all([
    store.listJobs({ keyId: null, order: "desc", limit: MOST_FOUND, text }),
    requests.list({ limit: MOST_FOUND, text, withPayload: true }),
  ]);
  // The log is searched by model and message too.
  const words = text.toLowerCase().split(/\s+/);
  const prompted = rows.filter(({ payload }) => payload && words.every((word) => payload.prompt.toLowerCase().includes(word)));
  return [...new Set([...jobs, ...prompted].flatMap(({ mediaIds }) => mediaIds))];
}

async function filterOf(sources: GallerySources, query: GalleryQuery): Promise<Omit<MediaFilter, "limit">> {
  const { origin, kind, model, q, key, from, to, before } = query;
  const [createdAt, id] = before.split(".");
  const since = Date.parse(from);
  const until = Date.parse(to) + DAY_MS;
  return {
    origin,
    ...(kind && { kind }),
    ...(model && { family: model }),
    ...(key && { keyId: Number(key) }),
    ...(Number.isNaN(since) ? {} : { from: since }),
    ...(Number.isNaN(until) ? {} : { to: until }),
    ...(id && { before: { createdAt: Number(createdAt), id } }),
    ...(q && { ids: await findByPrompt(sources, q) }),
  };
}

/** Null when it is absent or being deleted. */
export async function galleryItem(
  {
    store,
    requests,
    trash,
  }: { store: Pick<Store, "getMedia" | "findJob">; requests: Pick<RequestLog, "get">; trash: Pick<MediaTrash, "has"> },
  id: string,
): Promise<GalleryItem | null> {
  const media = await store.getMedia(id);
  if (!media || trash.has(id)) return null;
  const { requestId } = media;
  const [job, request] = requestId === null ? [null, null] : await Promise.all([store.findJob(requestId), requests.get(requestId)]);
  return { media, job, request };
}
