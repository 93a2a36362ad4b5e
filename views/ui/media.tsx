// Media items: thumbnails in a grid, images and videos in full, from the admin's own URLs.
import type { View } from "./view.ts";

export type ShownMedia = { id: string; kind: "image" | "video" | "other"; width: number | null; height: number | null };

export const mediaHref = (id: string) => `/admin/gallery/${encodeURIComponent(id)}`;
export const fileHref = (id: string) => `${mediaHref(id)}/file`;
export const downloadHref = (id: string) => `${mediaHref(id)}/file?download`;
export const thumbHref = (id: string) => `${mediaHref(id)}/thumb`;

/** A square of it. Of a video its first frame, which the browser finds itself. */
export function Thumb({ media, label }: { media: ShownMedia; label: string }) {
  return media.kind === "video" ? (
    <video class="thumb" src={`${fileHref(media.id)}#t=0.1`} preload="metadata" muted playsInline tabIndex={-1} aria-label={label} />
  ) : (
    <img class="thumb" src={thumbHref(media.id)} alt={label} loading="lazy" decoding="async" width="160" height="160" />
  );
}

/** All of it, playing where it can. */
export function WholeMedia({ view, media, label }: { view: View; media: ShownMedia; label: string }) {
  if (media.kind === "video")
    return (
      // biome-ignore lint/a11y/useMediaCaption: made by a model, nobody wrote what is said
      <video class="whole" src={fileHref(media.id)} controls loop playsInline preload="auto" aria-label={label} />
    );
  const { width, height } = media;
  return (
    <a href={fileHref(media.id)} title={view.t.gallery.original}>
      <img class="whole" src={fileHref(media.id)} alt={label} width={width ?? undefined} height={height ?? undefined} />
    </a>
  );
}
