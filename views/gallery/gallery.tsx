// Gallery page: wall of media items in justified rows, search by prompt, filters, selection and viewer.

import type { GalleryCounts, GalleryPage, GalleryQuery, GalleryTile } from "../../src/gateway/media/gallery.ts";
import { Button, buttonClass, EmptyState, LinkButton } from "../ui/controls.tsx";
import { Field, type Option, Select } from "../ui/fields.tsx";
import { Time } from "../ui/figures.tsx";
import { formatBytes, formatCount } from "../ui/format.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { PageHead } from "../ui/layout.tsx";
import { downloadHref, mediaHref, shapeOf, Thumb } from "../ui/media.tsx";
import { BulkBar, FilterBar } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { ViewerFrame } from "./viewer.tsx";

export type GalleryData = {
  query: GalleryQuery;
  page: GalleryPage;
  counts: GalleryCounts;
  /** A count that is this high may be higher. */
  mostCounted: number;
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
  const isEmpty = page.items.length === 0 && page.next === null;
  return (
    <div class="selection">
      <PageHead
        title={gallery.title}
        about={aboutOf(view, data)}
        actions={
          !isEmpty && (
            <label class={`${buttonClass()} only-scripted`}>
              <input type="checkbox" data-select-all />
              {gallery.selectAll}
            </label>
          )
        }
      />
      {(!isEmpty || isFiltered) && <Kinds view={view} data={data} />}
      {(!isEmpty || isFiltered || query.origin === "input") && <Filters view={view} data={data} isFiltered={isFiltered} />}
      {isEmpty ? (
        <Nothing view={view} isFiltered={isFiltered || query.before !== ""} />
      ) : (
        <>
          <ul class="wall" aria-label={gallery.list}>
            <GalleryTiles view={view} query={query} page={page} />
          </ul>
          <Acts view={view} data={data} />
        </>
      )}
      <ViewerFrame view={view} />
      <script type="module" src={view.assets["gallery.js"]} />
    </div>
  );
}

const total = ({ query: { kind }, counts }: GalleryData) => (kind === "" ? counts.image + counts.video : counts[kind]);

/** A count, with a sign where it stopped. */
const counted = (view: View, count: number, most: number) => `${formatCount(count, view.locale)}${count >= most ? "+" : ""}`;

function aboutOf(view: View, { counts, mostCounted, storage: { usedBytes, maxBytes } }: GalleryData) {
  const { gallery } = view.t;
  const used = formatBytes(usedBytes, view.locale);
  return (
    <>
      {gallery.about(counted(view, counts.image, mostCounted), counted(view, counts.video, mostCounted))}{" "}
      <span class="nw" title={gallery.storageHint}>
        {maxBytes === null ? gallery.storageUnlimited(used) : gallery.storage(used, formatBytes(maxBytes, view.locale))}
      </span>
    </>
  );
}

/** What can be done with a selection, at the foot of the page while there is one. */
function Acts({ view, data }: { view: View; data: GalleryData }) {
  const { gallery } = view.t;
  const { query } = data;
  return (
    <BulkBar view={view} action="/admin/gallery/delete" plain>
      <input type="hidden" name="back" value={galleryHref(query)} />
      <label class="tiny-toggle">
        <input type="checkbox" name="every" value="on" />
        <span>{gallery.everyMatch(counted(view, total(data), data.mostCounted))}</span>
      </label>
      <Button small icon="download" formaction="/admin/gallery/zip">
        {gallery.zip}
      </Button>
      <Button small icon="compare" formaction="/admin/gallery/compare" data-exactly="2">
        {gallery.compare}
      </Button>
      {query.origin === "result" && (
        <Button small icon="playground" formaction="/admin/gallery/use">
          {gallery.useAsReference}
        </Button>
      )}
      <Button small icon="trash" tone="danger">
        {gallery.remove}
      </Button>
    </BulkBar>
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
          <a class={buttonClass()} href={galleryHref(query, { before: next })} rel="next">
            {gallery.more}
          </a>
        </li>
      )}
    </>
  );
}

function Tile({ view, media }: { view: View; media: GalleryTile }) {
  const { gallery, controls } = view.t;
  const label = media.prompt?.slice(0, 120) || gallery.describe(gallery.one[media.kind], media.family ?? "");
  return (
    <li class={`shot ${shapeOf(media)}`} id={`media-${media.id}`} data-row tabIndex={-1}>
      <a class="pic" href={mediaHref(media.id)} data-view={media.id}>
        <Thumb media={media} label={label} />
      </a>
      <label>
        <input type="checkbox" name="id" value={media.id} form="bulk" data-select aria-label={controls.selectRow(label)} />
      </label>
      <span class="do">
        <a href={downloadHref(media.id)} aria-label={`${gallery.download}: ${label}`} title={gallery.download}>
          <Icon name="download" />
        </a>
      </span>
      {media.kind === "video" && (
        <span class="len">
          <Icon name="play" label={gallery.one.video} />
        </span>
      )}
      {media.prompt && <p title={media.prompt}>{media.prompt}</p>}
      <small class="cut">
        {media.family ?? gallery.one[media.kind]} · <Time view={view} value={media.createdAt} />
      </small>
    </li>
  );
}

/** All, images or videos, each with how many there are. */
function Kinds({ view, data: { query, counts, mostCounted } }: { view: View; data: GalleryData }) {
  const { gallery } = view.t;
  const chips: readonly [GalleryQuery["kind"], string, IconName | null][] = [
    ["", gallery.all, null],
    ["image", gallery.image, "image"],
    ["video", gallery.video, "video"],
  ];
  return (
    <nav class="row chips" aria-label={gallery.kind}>
      {chips.map(([kind, label, icon]) => (
        <a key={kind} class="chip" href={galleryHref(query, { kind, before: "" })} aria-current={query.kind === kind ? "true" : undefined}>
          {icon && <Icon name={icon} />}
          {label}
          {kind !== "" && <b>{counted(view, counts[kind], mostCounted)}</b>}
        </a>
      ))}
    </nav>
  );
}

function Filters({ view, data: { query, models, keys }, isFiltered }: { view: View; data: GalleryData; isFiltered: boolean }) {
  const { gallery } = view.t;
  const any = { value: "", label: gallery.all };
  const origins = [
    { value: "result", label: gallery.results },
    { value: "input", label: gallery.inputs },
  ];
  return (
    <FilterBar view={view} action="/admin/gallery" query={query.q} searches={gallery.searchPrompts}>
      {query.kind !== "" && <input type="hidden" name="kind" value={query.kind} />}
      <Select name="model" label={gallery.model} value={query.model} options={[any, ...models]} submits />
      <Select name="key" label={gallery.key} value={query.key} options={[any, ...keys]} submits />
      <Field name="from" label={gallery.from} type="date" value={query.from} data-submit />
      <Field name="to" label={gallery.to} type="date" value={query.to} data-submit />
      <Select name="origin" label={gallery.origin} value={query.origin} options={origins} submits />
      {isFiltered && (
        <LinkButton href="/admin/gallery" tone="quiet">
          {gallery.clear}
        </LinkButton>
      )}
    </FilterBar>
  );
}

function Nothing({ view, isFiltered }: { view: View; isFiltered: boolean }) {
  const { gallery } = view.t;
  if (isFiltered)
    return (
      <EmptyState icon="search" title={gallery.emptyFiltered} action={<LinkButton href="/admin/gallery">{gallery.clear}</LinkButton>}>
        {gallery.emptyFilteredHint}
      </EmptyState>
    );
  return (
    <EmptyState
      icon="gallery"
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
