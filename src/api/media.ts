// GET and HEAD /media/{id}.{ext}: stored bytes with ranges, a strong ETag and headers that forbid scripts.
import { Elysia } from "elysia";
import type { Media } from "../domain/generation.ts";
import type { MediaStore } from "../gateway/media/contract.ts";
import type { LinkWatch } from "../gateway/media/link-watch.ts";
import { mediaResponse } from "../gateway/media/media-response.ts";

export type MediaRoutesDependencies = {
  media: Pick<MediaStore, "read">;
  /** Key of the request; null: none, or unknown. */
  callerOf: (request: Request) => { keyId: number } | null;
  /** Counts every served file. */
  linkWatch?: Pick<LinkWatch, "fetched">;
};

/** The only form of name that reaches the store. */
const FILE_NAME = /^\/media\/([a-z2-7]{26})\.([a-z0-9]{3,4})$/;

/**
 * Results need only their URL, inputs the key that owns them. Everything else is the same 404, which does not reveal what exists.
 */
export function mediaRoutes(deps: MediaRoutesDependencies) {
  const serve = ({ request }: { request: Request }) => serveMedia(deps, request);
  return new Elysia({ name: "media" })
    .get("/media/*", serve, { detail: { hide: true } })
    .head("/media/*", serve, { detail: { hide: true } });
}

async function serveMedia({ media, callerOf, linkWatch }: MediaRoutesDependencies, request: Request): Promise<Response> {
  // The raw path rather than Elysia's decoded parameter: an escape is never part of a name.
  const [, id, ext] = FILE_NAME.exec(new URL(request.url).pathname) ?? [];
  const found = id === undefined ? null : await media.read(id);
  if (!found || found.media.ext !== ext || !mayRead(found.media, callerOf, request)) return notFound();
  linkWatch?.fetched(request.headers.get("host"));
  return mediaResponse(found, request);
}

function mayRead(media: Media, callerOf: MediaRoutesDependencies["callerOf"], request: Request): boolean {
  if (media.origin === "result") return true;
  const caller = callerOf(request);
  return caller !== null && caller.keyId === media.keyId;
}

const notFound = (): Response =>
  Response.json(
    { error: { message: "There is no such media file.", type: "invalid_request_error", param: null, code: "not_found" } },
    { status: 404, headers: { "cache-control": "no-store", "x-content-type-options": "nosniff", "access-control-allow-origin": "*" } },
  );
