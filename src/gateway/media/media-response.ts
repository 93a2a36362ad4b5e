// HTTP response of a stored media item: whole, by range, or 304. Used by the API and the admin.
import type { Media } from "../../domain/generation.ts";
import type { MediaBytes } from "./blobs.ts";

/**
 * Stored bytes as the request wants them: whole, a range, none when it has them, or a link to them. `own` headers replace those of a
 * public result.
 * @throws {AppError} `unavailable`
 */
export async function mediaResponse(
  { media, bytes }: { media: Media; bytes: MediaBytes },
  request: Request,
  own: Record<string, string> = {},
): Promise<Response> {
  const etag = `"${media.id}"`;
  const headers = { ...mediaHeaders(media, etag), ...own };
  if (matchesETag(request.headers.get("if-none-match"), etag)) return new Response(null, { status: 304, headers });

  // The link is signed for GET: a HEAD is answered here.
  if (bytes.link && request.method !== "HEAD") {
    const location = bytes.link(headers["content-disposition"]!);
    return new Response(null, { status: 302, headers: { location, "cache-control": "no-store", "access-control-allow-origin": "*" } });
  }

  const ifRange = request.headers.get("if-range");
  const range = ifRange === null || ifRange === etag ? parseRange(request.headers.get("range"), media.bytes) : null;
  if (range === "unsatisfiable") {
    return new Response(null, { status: 416, headers: { ...headers, "content-range": `bytes */${media.bytes}` } });
  }
  const { start, end } = range ?? { start: 0, end: media.bytes };
  headers["content-type"] = media.mime;
  headers["content-length"] = String(end - start);
  if (range) headers["content-range"] = `bytes ${start}-${end - 1}/${media.bytes}`;
  const { blob } = bytes;
  // The response to HEAD bears a file as well: Bun sends its length and not its bytes.
  const file = blob && (range ? blob.slice(start, end, media.mime) : blob);
  const body = file ?? (request.method === "HEAD" ? null : await bytes.stream(range));
  return new Response(body, { status: range ? 206 : 200, headers });
}

const mediaHeaders = (media: Media, etag: string): Record<string, string> => ({
  etag,
  "accept-ranges": "bytes",
  "cache-control": "private, max-age=31536000, immutable",
  "content-disposition": `inline; filename="${media.id}.${media.ext}"`,
  "content-security-policy": "default-src 'none'; sandbox",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "cross-origin",
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "accept-ranges, content-length, content-range, etag",
});

/** If-None-Match (RFC 9110, 13.1.2): compared weakly. */
function matchesETag(header: string | null, etag: string): boolean {
  const items = header?.split(",").map((item) => item.trim().replace(/^W\//, "")) ?? [];
  return items.includes("*") || items.includes(etag);
}

/**
 * One byte range (RFC 9110, 14.1.2) as start and end, end not included. Null: send all, also for several ranges,
 * other units and what cannot be read.
 */
export function parseRange(header: string | null, size: number): { start: number; end: number } | "unsatisfiable" | null {
  const [, first, last] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || first + last === "") return null;
  if (first === "") return Number(last) === 0 || size === 0 ? "unsatisfiable" : { start: Math.max(0, size - Number(last)), end: size };
  const start = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < start) return null;
  return start >= size ? "unsatisfiable" : { start, end };
}
