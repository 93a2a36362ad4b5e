// Admin API: media items: list by what the gallery filters by, one with its prompt, its bytes, delete one or many.
import { t } from "elysia";
import type { Media } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { galleryItem, pageOfMedia, readGalleryQuery } from "../../gateway/media/gallery.ts";
import { mediaResponse } from "../../gateway/media/media-response.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, badCursor, isoOf, isoOrNull, PAGE_ROWS, PAGING, pageOf, route, TIME } from "./route.ts";
import { oneOf, orNull, whole } from "./schemas.ts";

const KINDS = ["image", "video"] as const;
const ORIGINS = ["result", "input"] as const;
const MAX_DELETED = 1000;
/** Deletions of one request that wait for the store together. */
const AT_ONCE = 20;

const FIELDS = {
  id: t.String(),
  kind: oneOf([...KINDS, "other"]),
  origin: oneOf(ORIGINS, { description: "Made here, or sent by a client" }),
  mime: t.String(),
  bytes: whole(),
  width: orNull(whole()),
  height: orNull(whole()),
  key_id: orNull(whole({ description: "Whose it is; null: the operator's" })),
  request_id: orNull(t.String()),
  model: orNull(t.String({ description: "Family that made it" })),
  file_name: orNull(t.String({ description: "Of an input that a client uploaded as a file" })),
  created_at: TIME,
  expires_at: orNull(TIME),
  prompt: orNull(t.String({ description: "Of its job, or as recorded with its request" })),
};
const ITEM = t.Object(FIELDS);

const showMedia = (media: Media, prompt: string | null) => ({
  ...{ id: media.id, kind: media.kind, origin: media.origin, mime: media.mime, bytes: media.bytes, width: media.width },
  ...{ height: media.height, key_id: media.keyId, request_id: media.requestId, model: media.family, file_name: media.name },
  ...{ created_at: isoOf(media.createdAt), expires_at: isoOrNull(media.expiresAt), prompt },
});

const DAY = t.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$" });

/** What the pages hide while a deletion can be undone is listed here until it is gone. */
const trash = { has: () => false };

export function mediaRoutes(ctx: AdminApiContext): ApiRoute[] {
  const { store, requests, media, audit } = ctx;
  const sources = { store, requests, trash };
  const noMedia = (id = "") => new AppError("not_found", `There is no media item ${id.slice(0, 80)}.`, { param: "id" });
  const describe = ({ id, mime, bytes, keyId }: Media) => ({ id, mime, bytes, keyId });
  return [
    route({
      ...{ method: "GET", path: "/media", tag: "Media", summary: "Media items, newest first" },
      query: t.Object({
        ...PAGING,
        q: t.Optional(t.String({ minLength: 1, maxLength: 200, description: "Words of the prompt" })),
        origin: t.Optional(oneOf(ORIGINS, { description: "result when absent" })),
        kind: t.Optional(oneOf(KINDS)),
        key_id: t.Optional(whole({ minimum: 1, maximum: 999_999_999_999_999 })),
        model: t.Optional(t.String({ pattern: "^[\\w.-]{1,100}$", description: "Family, e.g. `gemini-3-pro-image`" })),
        from: t.Optional({ ...DAY, description: "First UTC day, e.g. 2026-11-01" }),
        to: t.Optional({ ...DAY, description: "Last UTC day" }),
      }),
      response: pageOf(ITEM),
      async run({ query: { limit = PAGE_ROWS, cursor, key_id, ...rest } }) {
        const asked = { ...rest, ...(key_id !== undefined && { key: `${key_id}` }), ...(cursor !== undefined && { before: cursor }) };
        const query = readGalleryQuery(new URLSearchParams(asked as Record<string, string>));
        if (cursor !== undefined && query.before === "") throw badCursor();
        const { items, next } = await pageOfMedia(sources, query, limit);
        return { data: items.map(({ prompt, ...item }) => showMedia(item, prompt)), next };
      },
    }),
    route({
      ...{ method: "GET", path: "/media/{id}", tag: "Media", summary: "One media item, with what made it" },
      response: t.Object({ ...FIELDS, job_id: orNull(t.String()) }),
      async run({ params }) {
        const found = await galleryItem({ store, requests, trash }, params.id!);
        if (!found) throw noMedia(params.id);
        const { media: item, job, request } = found;
        return { ...showMedia(item, job?.prompt ?? request?.payload?.prompt ?? null), job_id: job?.id ?? null };
      },
    }),
    route({
      ...{ method: "GET", path: "/media/{id}/file", tag: "Media", summary: "The bytes of a media item, whole or by Range" },
      response: { type: "*/*" },
      also: {
        206: "The range that was asked for",
        302: "Where it lies",
        304: "It is the one that the client has",
        416: "There is no such range",
      },
      async run({ params, request }) {
        const found = await media.read(params.id!);
        if (!found) throw noMedia(params.id);
        const name = `${found.media.id}.${found.media.ext}`;
        return mediaResponse(found, request, {
          "content-disposition": `attachment; filename="${name}"`,
          "cache-control": "private, no-store",
        });
      },
    }),
    route({
      ...{ method: "DELETE", path: "/media/{id}", tag: "Media", summary: "Delete a media item, for good" },
      response: t.Object({ deleted: t.Literal(true) }),
      async run({ params, by }) {
        const item = await media.get(params.id!);
        if (!item || !(await media.remove(item.id))) throw noMedia(params.id);
        await audit.record({ action: "media.delete", subject: `media ${item.id}`, before: describe(item) }, by);
        return { deleted: true };
      },
    }),
    route({
      ...{ method: "POST", path: "/media/delete", tag: "Media", summary: "Delete many media items, for good; unknown ids are skipped" },
      body: t.Object({ ids: t.Array(t.String({ minLength: 1, maxLength: 100 }), { minItems: 1, maxItems: MAX_DELETED }) }),
      response: t.Object({ deleted: whole() }),
      async run({ body, by }) {
        const ids = [...new Set(body.ids)];
        const gone: Media[] = [];
        try {
          for (let at = 0; at < ids.length; at += AT_ONCE)
            await Promise.all(
              ids.slice(at, at + AT_ONCE).map(async (id) => {
                const item = await media.get(id);
                if (item && (await media.remove(id))) gone.push(item);
              }),
            );
        } finally {
          const items = gone.map((item) => ({ subject: `media ${item.id}`, before: describe(item) }));
          await audit.recordMany({ action: "media.delete", subject: `${gone.length} media`, items }, by);
        }
        return { deleted: gone.length };
      },
    }),
  ];
}
