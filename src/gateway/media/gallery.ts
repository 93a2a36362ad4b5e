// Gallery: pages of media items, and everything stored about one of them.

import type { JobRow } from "../../db/jobs.ts";
import type { MediaFilter } from "../../db/media.ts";
import type { RequestLog, Store } from "../../db/store.ts";
import type { Media } from "../../domain/generation.ts";
import type { RequestRow } from "../../domain/request.ts";
import type { MediaTrash } from "./trash.ts";

/** What is asked for, as an address says it. Empty texts: all. Dates are days in UTC, the last one included. */
export type GalleryQuery = {
  origin: Media["origin"];
  kind: "" | "image" | "video";
  model: string;
  /** Id of a key. */
  key: string;
  from: string;
  to: string;
  /** `<created>.<id>` of the last item of the previous page. */
  before: string;
};

export type GalleryPage = { items: Media[] /** Of the page after this one; null: there is none. */; next: string | null };

/** Everything stored about one media item. */
export type GalleryItem = {
  media: Media;
  /** The job that made it, or null. */
  job: JobRow | null;
  /** Null: not logged, or past its age. */
  request: RequestRow | null;
};

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
    model: text("model", /^[\w.-]{1,100}$/),
    key: text("key", /^\d{1,15}$/),
    from: text("from", DAY),
    to: text("to", DAY),
    before: text("before", /^\d{1,16}\.[a-z2-7]{26}$/),
  };
}

/** The media that match, newest first, without those that are being deleted. */
export async function pageOfMedia(
  store: Pick<Store, "listMedia">,
  trash: Pick<MediaTrash, "has">,
  query: GalleryQuery,
  size: number,
): Promise<GalleryPage> {
  const rows = await store.listMedia({ ...filterOf(query), limit: size + 1 });
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  return {
    items: shown.filter(({ id }) => !trash.has(id)),
    next: rows.length > size && last ? `${last.createdAt}.${last.id}` : null,
  };
}

function filterOf({ origin, kind, model, key, from, to, before }: GalleryQuery): Omit<MediaFilter, "limit"> {
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
