// Inserts the row of a media item; that of a result, which is paid for, waits until the database is back, a minute at most.

import { type Clock, sleep } from "../../clock.ts";
import type { MediaSource } from "../../db/media.ts";
import type { Store } from "../../db/store.ts";
import type { Media } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";

const ROW_TRIES = 60;
const ROW_RETRY_MS = 1_000;

type Dependencies = { store: Pick<Store, "insertMedia" | "getMedia">; clock: Clock };

const isAway = (error: unknown) => error instanceof AppError && error.reason === "store_unavailable";

/** `data`: the bytes, where they lie in the row; `maker`: the call that made a result. */
export function insertRow(deps: Dependencies, media: Media, data: Uint8Array | null, maker?: MediaSource): Promise<void> {
  const inserted = deps.store.insertMedia(media, data, maker);
  if (media.origin !== "result") return inserted;
  return inserted.catch((error) => insertAgain(error, deps, { media, data, maker }));
}

type Row = { media: Media; data: Uint8Array | null; maker: MediaSource | undefined };

/** After a first failure. */
export async function insertAgain(first: unknown, { store, clock }: Dependencies, { media, data, maker }: Row): Promise<void> {
  let failure = first;
  for (let tries = 1; tries < ROW_TRIES && isAway(failure); tries++) {
    await sleep(clock, ROW_RETRY_MS);
    try {
      if ((await store.getMedia(media.id)) === null) await store.insertMedia(media, data, maker);
      return;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
