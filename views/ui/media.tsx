// Media items: thumbnails in a grid, images and videos in full, from the admin's own URLs.
import type { View } from "./view.ts";

export type ShownMedia = { id: string; kind: "image" | "video" | "other"; width: number | null; height: number | null };

export const mediaHref = (id: string) => `/admin/gallery/${encodeURIComponent(id)}`;
export const fileHref = (id: string) => `${mediaHref(id)}/file`;
export const downloadHref = (id: string) => `${mediaHref(id)}/file?download`;
export const thumbHref = (id: string) => `${mediaHref(id)}/thumb`;

/** Proportions that have a class in the stylesheet, where no style attribute is allowed: those that models make, and steps between. */
export const SHAPES = {
  a18: 1 / 8,
  a14: 1 / 4,
  a12: 1 / 2,
  a916: 9 / 16,
  a23: 2 / 3,
  a34: 3 / 4,
  a45: 4 / 5,
  a910: 0.9,
  a11: 1,
  a109: 1.1,
  a54: 5 / 4,
  a43: 4 / 3,
  a32: 3 / 2,
  a85: 1.6,
  a169: 16 / 9,
  a21: 2,
  a219: 21 / 9,
  a31: 3,
  a41: 4,
  a81: 8,
} as const;

/** The class of the nearest of them; an item whose size is not known is square. */
export function shapeOf({ width, height }: Pick<ShownMedia, "width" | "height">): keyof typeof SHAPES {
  const ratio = Math.log((width || 1) / (height || 1));
  const off = (shape: number) => Math.abs(Math.log(shape) - ratio);
  const [nearest] = (Object.entries(SHAPES) as [keyof typeof SHAPES, number][]).sort(([, a], [, b]) => off(a) - off(b));
  return width && height ? nearest![0] : "a11";
}

/** A small one of it, cut to the shape of its place. Of a video its first frame, which the browser finds itself. */
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
