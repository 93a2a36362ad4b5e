// Gallery routes: pages of media items, their bytes, delete with undo.
import { Elysia } from "elysia";
import { GalleryPageView, GalleryTiles, galleryHref } from "../../views/gallery/gallery.tsx";
import { GalleryItemPage } from "../../views/gallery/gallery-item.tsx";
import { AppError } from "../errors.ts";
import { jobParameters } from "../gateway/jobs/list-jobs.ts";
import { galleryItem, pageOfMedia, readGalleryQuery } from "../gateway/media/gallery.ts";
import { mediaResponse } from "../gateway/media/media-response.ts";
import { createMediaTrash } from "../gateway/media/trash.ts";
import type { AdminContext } from "./context.ts";
import { keyChoices, tokenLabels } from "./names.ts";
import { fragment, goTo, page, readForm, viewOf } from "./page.ts";

const PAGE_SIZE = 48;
const MEBIBYTE = 1024 * 1024;
/** Most images that a selection may hand to the playground. */
const MAX_REFERENCES = 16;

export const galleryRoutes = (ctx: AdminContext) => {
  const { store, media, settings } = ctx;
  const trash = createMediaTrash(ctx);
  const pageOf = (request: Request) => {
    const query = readGalleryQuery(new URL(request.url).searchParams);
    return pageOfMedia(store, trash, query, PAGE_SIZE).then((found) => ({ query, page: found }));
  };
  const noMedia = (request: Request) => new AppError("not_found", viewOf(ctx, request).t.gallery.gone);

  return new Elysia({ prefix: "/gallery" })
    .get("/", async ({ request }) => {
      const { query, page: found } = await pageOf(request);
      const { max_total_mb } = settings.current().media;
      const data = {
        query,
        page: found,
        models: [...ctx.catalogue().families("image"), ...ctx.catalogue().families("video")].map(({ id, title }) => ({
          value: id,
          label: title,
        })),
        keys: await keyChoices(ctx, query.key),
        storage: { usedBytes: media.totalBytes(), maxBytes: max_total_mb === 0 ? null : max_total_mb * MEBIBYTE },
      };
      return page(ctx, request, (view) => ({ title: view.t.gallery.title, nav: "gallery", body: GalleryPageView({ view, data }) }));
    })
    .get("/tiles", async ({ request }) => {
      const found = await pageOf(request);
      return fragment(ctx, request, (view) => GalleryTiles({ view, ...found }));
    })
    .post("/delete", async ({ request }) => {
      const form = await readForm(ctx, request);
      const { gallery } = viewOf(ctx, request).t;
      const ids = [...new Set(form.list("id"))];
      const found = (await Promise.all(ids.map((id) => media.get(id)))).filter((one) => one !== null && !trash.has(one.id));
      const back = backOf(form.text("back", { max: 2000 }));
      if (found.length === 0) return goTo(ctx, request, back, { text: gallery.nothingSelected, tone: "bad" });
      const name = trash.put(found.map((one) => one!.id));
      const before = found.map((one) => ({ id: one!.id, mime: one!.mime, bytes: one!.bytes, keyId: one!.keyId }));
      await ctx.audit.record({ action: "media.delete", subject: `${found.length} media`, before }, ctx.sessionContextOf(request));
      return goTo(ctx, request, back, {
        text: gallery.removed(found.length),
        undo: { action: "/admin/gallery/restore", fields: { name, back } },
      });
    })
    .post("/restore", async ({ request }) => {
      const form = await readForm(ctx, request);
      const count = trash.restore(form.text("name", { required: true }));
      await ctx.audit.record({ action: "media.restore", subject: `${count} media` }, ctx.sessionContextOf(request));
      return goTo(ctx, request, backOf(form.text("back", { max: 2000 })), { text: viewOf(ctx, request).t.gallery.restored(count) });
    })
    .post("/use", async ({ request }) => {
      const ids = (await readForm(ctx, request)).list("id").slice(0, MAX_REFERENCES);
      return goTo(ctx, request, `/admin/playground?${new URLSearchParams(ids.map((id) => ["use", id]))}`);
    })
    .get("/:id", async ({ request, params }) => {
      const item = await galleryItem({ ...ctx, trash }, params.id);
      if (!item) throw noMedia(request);
      const siblings = await Promise.all((item.request?.mediaIds ?? []).filter((id) => id !== params.id).map((id) => media.get(id)));
      const data = {
        ...item,
        keyName: ctx.keys.get(item.media.keyId ?? 0)?.name ?? null,
        tokens: tokenLabels(ctx),
        parameters: item.job ? jobParameters(item.job) : [],
        siblings: siblings.filter((one) => one !== null),
      };
      return page(ctx, request, (view) => ({ title: view.t.gallery.title, nav: "gallery", body: GalleryItemPage({ view, data }) }));
    })
    .get("/:id/file", async ({ request, params }) => {
      const found = await media.read(params.id);
      if (!found) throw noMedia(request);
      const name = `${found.media.id}.${found.media.ext}`;
      const isDownload = new URL(request.url).searchParams.has("download");
      return mediaResponse(found, request, isDownload ? { "content-disposition": `attachment; filename="${name}"` } : {});
    })
    .get("/:id/thumb", async ({ request, params }) => {
      const small = await media.thumbnail(params.id);
      if (small) return new Response(small, { headers: THUMB_HEADERS });
      const found = await media.read(params.id);
      if (found?.media.kind !== "image") throw noMedia(request);
      return mediaResponse(found, request);
    });
};

const THUMB_HEADERS = { "content-type": "image/webp", "cache-control": "private, max-age=31536000, immutable" };

/** Back to the gallery as it was, and nowhere else. */
const backOf = (text: string): string => {
  const [path, search = ""] = text.split("?");
  return path === "/admin/gallery" ? galleryHref(readGalleryQuery(new URLSearchParams(search))) : "/admin/gallery";
};
