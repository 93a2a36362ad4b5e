// Gallery page: grid of media items with infinite scroll, filters and bulk actions.

import type { Media } from "../../src/domain/generation.ts";
import type { GalleryPage, GalleryQuery } from "../../src/gateway/media/gallery.ts";
import { Button, EmptyState, LinkButton } from "../ui/controls.tsx";
import { Field, type Option, Select } from "../ui/fields.tsx";
import { Progress, Time } from "../ui/figures.tsx";
import { formatBytes } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { mediaHref, Thumb } from "../ui/media.tsx";
import { BulkBar, FilterBar } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

export type GalleryData = {
  query: GalleryQuery;
  page: GalleryPage;
  models: readonly Option[];
  keys: readonly Option[];
  storage: { usedBytes: number /** Null: no limit. */; maxBytes: number | null };
};

/** The gallery at another place. */
export function galleryHref(query: GalleryQuery, change: Partial<GalleryQuery> = {}, path = "/admin/gallery"): string {
  const { origin, ...texts } = { ...query, ...change };
  const params = new URLSearchParams(Object.entries(texts).filter(([, value]) => value !== ""));
  if (origin === "input") params.set("origin", origin);
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

export function GalleryPageView({ view, data }: { view: View; data: GalleryData }) {
  const { gallery } = view.t;
  const { query, page } = data;
  const isFiltered = galleryHref(query, { before: "", origin: "result" }) !== "/admin/gallery";
  return (
    <>
      <PageHead title={gallery.title} about={gallery.about} actions={<Storage view={view} storage={data.storage} />} />
      <Filters view={view} data={data} isFiltered={isFiltered} />
      {page.items.length === 0 && page.next === null ? (
        <Nothing view={view} isFiltered={isFiltered || query.before !== ""} />
      ) : (
        <div class="selection">
          <BulkBar view={view} action="/admin/gallery/delete">
            <input type="hidden" name="back" value={galleryHref(query)} />
            {query.origin === "result" && (
              <Button small formaction="/admin/gallery/use">
                {gallery.useAsReference}
              </Button>
            )}
            <Button small tone="danger">
              {gallery.remove}
            </Button>
          </BulkBar>
          <ul class="wall" aria-label={gallery.list}>
            <GalleryTiles view={view} query={query} page={page} />
          </ul>
        </div>
      )}
    </>
  );
}

/** One page of tiles, and the way to the next: loaded as it comes into sight, a link without JavaScript. */
export function GalleryTiles({ view, query, page }: { view: View; query: GalleryQuery; page: GalleryPage }) {
  const { gallery } = view.t;
  const next = page.next;
  return (
    <>
      {page.items.map((media) => (
        <Tile key={media.id} view={view} media={media} />
      ))}
      {next !== null && (
        <li
          class="tiles-more"
          hx-get={galleryHref(query, { before: next }, "/admin/gallery/tiles")}
          hx-trigger="revealed"
          hx-swap="outerHTML"
        >
          <a class="btn" href={galleryHref(query, { before: next })} rel="next">
            {gallery.more}
          </a>
        </li>
      )}
    </>
  );
}

function Tile({ view, media }: { view: View; media: Media }) {
  const { gallery, controls } = view.t;
  const label = gallery.describe(gallery.one[media.kind], media.family ?? "");
  return (
    <li class="shot" id={`media-${media.id}`} data-row tabIndex={-1}>
      <a href={mediaHref(media.id)}>
        <Thumb media={media} label={label} />
      </a>
      <input type="checkbox" name="id" value={media.id} form="bulk" data-select aria-label={controls.selectRow(label)} />
      {media.kind === "video" && (
        <span class="len" aria-hidden="true">
          ▶
        </span>
      )}
      <small class="cap">
        <span class="cut">{media.family ?? gallery.one[media.kind]}</span>
        <Time view={view} value={media.createdAt} />
      </small>
    </li>
  );
}

function Storage({ view, storage: { usedBytes, maxBytes } }: { view: View; storage: GalleryData["storage"] }) {
  const { gallery } = view.t;
  const used = formatBytes(usedBytes, view.locale);
  return (
    <div class="storage" title={gallery.storageHint}>
      <small class="soft nw">
        {maxBytes === null ? gallery.storageUnlimited(used) : gallery.storage(used, formatBytes(maxBytes, view.locale))}
      </small>
      {maxBytes !== null && <Progress value={usedBytes} max={maxBytes} label={gallery.storageLabel} />}
    </div>
  );
}

function Filters({ view, data: { query, models, keys }, isFiltered }: { view: View; data: GalleryData; isFiltered: boolean }) {
  const { gallery } = view.t;
  const any = { value: "", label: gallery.all };
  const kinds = [any, { value: "image", label: gallery.image }, { value: "video", label: gallery.video }];
  const origins = [
    { value: "result", label: gallery.results },
    { value: "input", label: gallery.inputs },
  ];
  return (
    <FilterBar view={view} action="/admin/gallery">
      <Select name="kind" label={gallery.kind} value={query.kind} options={kinds} submits />
      <Select name="model" label={gallery.model} value={query.model} options={[any, ...models]} submits />
      <Select name="key" label={gallery.key} value={query.key} options={[any, ...keys]} submits />
      <Field name="from" label={gallery.from} type="date" value={query.from} data-submit />
      <Field name="to" label={gallery.to} type="date" value={query.to} data-submit />
      <Select name="origin" label={gallery.origin} value={query.origin} options={origins} submits />
      {isFiltered && (
        <LinkButton href="/admin/gallery" tone="quiet" small>
          {gallery.clear}
        </LinkButton>
      )}
    </FilterBar>
  );
}

function Nothing({ view, isFiltered }: { view: View; isFiltered: boolean }) {
  const { gallery } = view.t;
  if (isFiltered)
    return <EmptyState title={gallery.emptyFiltered} action={<LinkButton href="/admin/gallery">{gallery.clear}</LinkButton>} />;
  return (
    <EmptyState
      title={gallery.empty}
      action={
        <LinkButton href="/admin/playground" tone="primary">
          {gallery.toPlayground}
        </LinkButton>
      }
    >
      {gallery.emptyHint}
    </EmptyState>
  );
}
