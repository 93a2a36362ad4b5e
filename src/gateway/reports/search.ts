// One search over everything: requests by prompt, word and id, keys, tokens, models, jobs and media.
import type { JobRow } from "../../db/jobs.ts";
import type { Media } from "../../domain/generation.ts";
import type { RequestRow } from "../../domain/request.ts";
import { isId } from "../../ids.ts";
import type { MediaStore } from "../media/contract.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import { namedAlike, pageOfRequests, type Reader, type RequestReportDependencies } from "./requests.ts";

export type SearchDependencies = RequestReportDependencies & {
  store: RequestReportDependencies["store"] & { getJob(id: string): Promise<JobRow | null> };
  media: Pick<MediaStore, "get">;
  catalogue: () => Catalogue;
};

export type Found = {
  keys: { id: number; name: string; prefix: string }[];
  tokens: { id: number; label: string; provider: string }[];
  models: { id: string; title: string }[];
  jobs: JobRow[];
  requests: RequestRow[];
  /** Results of the requests found, and the media item of this id. */
  media: Media[];
  /** More requests match than are shown. */
  hasMore: boolean;
};

/** Of each kind at most. */
const SHOWN = 8;
/** Shorter texts are in half of everything. */
const MIN_TEXT = 2;

const NOTHING: Found = { keys: [], tokens: [], models: [], jobs: [], requests: [], media: [], hasMore: false };

export async function searchAll(deps: SearchDependencies, asked: string, reader: Reader): Promise<Found> {
  const text = asked.trim();
  if (text.length < MIN_TEXT) return NOTHING;
  const { store, pool } = deps;
  const [named, keys, page, job, ofRequest] = await Promise.all([
    namedAlike(deps, text),
    store.listKeys(),
    pageOfRequests(deps, { q: text }, { size: SHOWN, ...reader }),
    store.getJob(text),
    store.findJob(text),
  ]);
  const requests = page.rows;
  const ids = [...(isId(text) ? [text] : []), ...requests.flatMap(({ mediaIds }) => mediaIds)].slice(0, SHOWN);
  const media = await Promise.all(ids.map((id) => deps.media.get(id)));
  const wanted = new Set(named.keys.slice(0, SHOWN));
  return {
    keys: keys.filter(({ id }) => wanted.has(id)).map(({ id, name, prefix }) => ({ id, name, prefix })),
    tokens: named.tokens.slice(0, SHOWN).flatMap((id) => {
      const view = pool.view(id);
      return view ? [{ id, label: view.label, provider: view.provider }] : [];
    }),
    models: modelsLike(deps.catalogue(), text.toLowerCase()),
    jobs: [job, ofRequest].filter((one) => one !== null).filter((one, at, all) => all.findIndex(({ id }) => id === one.id) === at),
    requests,
    media: media.filter((one) => one !== null),
    hasMore: page.next !== null,
  };
}

function modelsLike(catalogue: Catalogue, wanted: string): Found["models"] {
  const all = [...catalogue.families("image"), ...catalogue.families("video")];
  const like = all.filter(({ id, title }) => id.toLowerCase().includes(wanted) || title.toLowerCase().includes(wanted));
  return like.slice(0, SHOWN).map(({ id, title }) => ({ id, title }));
}
