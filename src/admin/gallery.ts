// Gallery routes: wall, viewer, comparison, bytes, zip, delete with undo.
import { Elysia } from "elysia";
import { ComparePage } from "../../views/gallery/compare.tsx";
import { DeleteManyPage } from "../../views/gallery/delete-many.tsx";
import { GalleryPageView, GalleryTiles, galleryHref } from "../../views/gallery/gallery.tsx";
import { GalleryItemPage } from "../../views/gallery/gallery-item.tsx";
import { ViewerContent } from "../../views/gallery/viewer.tsx";
import { formatCount } from "../../views/ui/format.ts";
import type { Media } from "../domain/generation.ts";
import { AppError } from "../errors.ts";
import { jobParameters } from "../gateway/jobs/list-jobs.ts";
import {
  allOfGallery,
  countGallery,
  type GalleryQuery,
  galleryItem,
  MOST_COUNTED,
  mediaOfIds,
  pageOfMedia,
  readGalleryQuery,
} from "../gateway/media/gallery.ts";
import { mediaResponse } from "../gateway/media/media-response.ts";
import { zipOfMedia } from "../gateway/media/media-zip.ts";
import { createMediaTrash, type MediaTrash } from "../gateway/media/trash.ts";
import type { AdminContext } from "./context.ts";
import type { FormReader } from "./forms.ts";
import { keyChoices, tokenLabels } from "./names.ts";
import { ownPath } from "./own-path.ts";
import { fragment, goTo, page, readForm, viewOf } from "./page.ts";

const PAGE_SIZE = 48;
const MEBIBYTE = 1024 * 1024;
/** Most images that a selection may hand to the playground. */
const MAX_REFERENCES = 16;
/** From so many on a deletion is asked about. */
const MANY = 20;
/** Most of one deletion or archive. */
const MOST_AT_ONCE = 5_000;

export const galleryRoutes = (ctx: AdminContext) => {
  const pages = galleryPages(ctx);
  return new Elysia({ prefix: "/gallery" })
    .use(wallRoutes(ctx, pages))
    .use(selectionRoutes(ctx, pages))
    .use(itemRoutes(ctx, pages))
    .use(byteRoutes(ctx, pages));
};

type Pages = ReturnType<typeof galleryPages>;

function galleryPages(ctx: AdminContext) {
  const { store, requests } = ctx;
  const trash: MediaTrash = createMediaTrash(ctx);
  const sources = { store, requests, trash };
  const noMedia = (request: Request) => new AppError("not_found", viewOf(ctx, request).t.gallery.gone);
  const find = async (request: Request, id: string) => {
    const item = await galleryItem({ ...ctx, trash }, id);
    if (!item) throw noMedia(request);
    const siblings = await mediaOfIds(
      sources,
      (item.request?.mediaIds ?? []).filter((one) => one !== id),
    );
    return {
      ...item,
      keyName: ctx.keys.get(item.media.keyId ?? 0)?.name ?? null,
      tokens: tokenLabels(ctx),
      parameters: item.job ? jobParameters(item.job) : [],
      siblings,
    };
  };
  /** The selection of a form: its ids, or everything that the page it came from shows. */
  const selected = async (form: FormReader): Promise<{ back: string; items: Media[]; isEvery: boolean }> => {
    const { back, query } = backOf(form.text("back", { max: 4000, verbatim: true }));
    if (form.flag("every")) return { back, isEvery: true, items: await allOfGallery(sources, query, MOST_AT_ONCE + 1) };
    const ids = [...new Set(form.list("id"))].slice(0, MOST_AT_ONCE + 1);
    return { back, isEvery: false, items: await mediaOfIds(sources, ids) };
  };
  return { trash, sources, noMedia, find, selected };
}

/** The wall, whole and a page at a time. */
const wallRoutes = (ctx: AdminContext, { sources }: Pages) =>
  new Elysia()
    .get("/", async ({ request }) => {
      const query = readGalleryQuery(new URL(request.url).searchParams);
      const { max_total_mb } = ctx.settings.current().media;
      const data = {
        query,
        page: await pageOfMedia(sources, query, PAGE_SIZE),
        counts: await countGallery(sources, query),
        mostCounted: MOST_COUNTED,
        models: [...ctx.catalogue().families("image"), ...ctx.catalogue().families("video")].map(({ id, title }) => ({
          value: id,
          label: title,
        })),
        keys: await keyChoices(ctx, query.key),
        storage: { usedBytes: ctx.media.totalBytes(), maxBytes: max_total_mb === 0 ? null : max_total_mb * MEBIBYTE },
      };
      return page(ctx, request, (view) => ({ title: view.t.gallery.title, nav: "gallery", body: GalleryPageView({ view, data }) }));
    })
    .get("/tiles", async ({ request }) => {
      const query = readGalleryQuery(new URL(request.url).searchParams);
      const found = await pageOfMedia(sources, query, PAGE_SIZE);
      return fragment(ctx, request, (view) => GalleryTiles({ view, query, page: found }));
    });

/** What is done with several. */
const selectionRoutes = (ctx: AdminContext, { trash, selected }: Pages) =>
  new Elysia()
    .post("/delete", async ({ request }) => {
      const form = await readForm(ctx, request);
      const { gallery } = viewOf(ctx, request).t;
      const { back, items, isEvery } = await selected(form);
      const isSure = form.flag("sure");
      if (items.length === 0) return goTo(ctx, request, back, { text: gallery.nothingSelected, tone: "bad" });
      if (!isSure && (isEvery || items.length >= MANY)) {
        const asked = { count: items.length, back, ids: isEvery ? null : items.map(({ id }) => id) };
        return page(ctx, request, (view) => ({
          title: view.t.gallery.remove,
          nav: "gallery",
          body: DeleteManyPage({ view, ...asked }),
        }));
      }
      const name = trash.put(items.map(({ id }) => id));
      const before = items.slice(0, 100).map(({ id, mime, bytes, keyId }) => ({ id, mime, bytes, keyId }));
      await ctx.audit.record({ action: "media.delete", subject: `${items.length} media`, before }, ctx.sessionContextOf(request));
      return goTo(ctx, request, back, {
        text: gallery.removed(items.length),
        undo: { action: "/admin/gallery/restore", fields: { name, back } },
      });
    })
    .post("/restore", async ({ request }) => {
      const form = await readForm(ctx, request);
      const count = trash.restore(form.text("name", { required: true }));
      await ctx.audit.record({ action: "media.restore", subject: `${count} media` }, ctx.sessionContextOf(request));
      const { back } = backOf(form.text("back", { max: 4000, verbatim: true }));
      return goTo(ctx, request, back, { text: viewOf(ctx, request).t.gallery.restored(count) });
    })
    .post("/use", async ({ request }) => {
      const ids = (await readForm(ctx, request)).list("id").slice(0, MAX_REFERENCES);
      return goTo(ctx, request, `/admin/playground?${new URLSearchParams(ids.map((id) => ["use", id]))}`);
    })
    .post("/compare", async ({ request }) => {
      const { back, items } = await selected(await readForm(ctx, request));
      const [one, other, ...more] = items;
      if (!one || !other || more.length > 0)
        return goTo(ctx, request, back, { text: viewOf(ctx, request).t.gallery.compareTwo, tone: "bad" });
      return goTo(ctx, request, `/admin/gallery/compare?a=${one.id}&b=${other.id}`);
    })
    .post("/zip", async ({ request, server }) => {
      const { back, items } = await selected(await readForm(ctx, request));
      const view = viewOf(ctx, request);
      const refuse = (text: string) => goTo(ctx, request, back, { text, tone: "bad" });
      if (items.length === 0) return refuse(view.t.gallery.nothingSelected);
      if (items.length > MOST_AT_ONCE) return refuse(view.t.gallery.zipMany(formatCount(MOST_AT_ONCE, view.locale)));
      // As long as the reader takes it.
      server?.timeout(request, 0);
      const { stream, bytes } = zipOfMedia(items, (id) => ctx.media.open(id));
      const day = new Date(ctx.clock.now()).toISOString().slice(0, 10);
      return new Response(stream, {
        headers: {
          "content-type": "application/zip",
          "content-length": `${bytes}`,
          "content-disposition": `attachment; filename="flow2api-${day}.zip"`,
          "cache-control": "no-store",
        },
      });
    });

/** One media item, and two. */
const itemRoutes = (ctx: AdminContext, { find }: Pages) =>
  new Elysia()
    .get("/compare", async ({ request }) => {
      const { searchParams } = new URL(request.url);
      const [one, other] = await Promise.all(["a", "b"].map((name) => find(request, searchParams.get(name) ?? "")));
      return page(ctx, request, (view) => ({
        title: view.t.gallery.compareTitle,
        nav: "gallery",
        body: ComparePage({ view, pair: [one!, other!] }),
      }));
    })
    .get("/:id", async ({ request, params }) => {
      const data = await find(request, params.id);
      return page(ctx, request, (view) => ({ title: view.t.gallery.title, nav: "gallery", body: GalleryItemPage({ view, data }) }));
    })
    .get("/:id/view", async ({ request, params }) => {
      const data = await find(request, params.id);
      return fragment(ctx, request, (view) => ViewerContent({ view, data }));
    });

/** Bytes, whole and small. */
const byteRoutes = ({ media }: AdminContext, { noMedia }: Pages) =>
  new Elysia()
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

const THUMB_HEADERS = { "content-type": "image/webp", "cache-control": "private, max-age=31536000, immutable" };

/** Back to the gallery as it was, and nowhere else. */
function backOf(text: string): { back: string; query: GalleryQuery } {
  const { searchParams } = new URL(ownPath(text, { within: /^\/admin\/gallery$/ }), "http://own.invalid");
  const query = readGalleryQuery(searchParams);
  return { back: galleryHref(query), query };
}
