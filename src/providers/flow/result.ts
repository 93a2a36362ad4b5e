// The way to an image that was generated: its signed link, else Flow's media store.

import type { TempFile } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { CallContext, ProviderToken } from "../provider.ts";
import { type Files, IMAGE_FILE, type Way } from "./files.ts";

const TRY_LIMIT_MS = 90_000;

/**
 * Downloads an image that was generated and paid. Tries the link twice, then the media store's bytes, then a fresh link.
 * @throws {AppError} `upstream_unknown_outcome`, charged, when every way failed; the signal's reason when it aborts
 */
export async function fetchImage(
  files: Files,
  { mediaId, url }: { mediaId?: string; url?: string },
  token: ProviderToken,
  call: CallContext,
): Promise<TempFile> {
  const link: Way[] = url ? [{ name: "link", fetch: (within) => files.fetchLink(url, IMAGE_FILE, token, within) }] : [];
  const store: Way[] = mediaId
    ? [
        { name: "bytes", fetch: (within) => files.fetchBytes(mediaId, IMAGE_FILE, token, within) },
        { name: "fresh link", fetch: (within) => files.fetchFresh(mediaId, IMAGE_FILE, token, within) },
      ]
    : [];
  try {
    return await files.tryWays([...link, ...link, ...store], IMAGE_FILE, TRY_LIMIT_MS, call);
  } catch (cause) {
    if (call.signal.aborted || !(cause instanceof AppError)) throw cause;
    throw new AppError("upstream_unknown_outcome", "Flow made the image but did not hand it over.", { charged: true, cause });
  }
}
