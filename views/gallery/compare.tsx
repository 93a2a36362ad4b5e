// Comparison page: two media items side by side, and where they differ.

import { LinkButton } from "../ui/controls.tsx";
import { formatBytes, formatClock, formatDuration, formatUsd } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { downloadHref, mediaHref, WholeMedia } from "../ui/media.tsx";
import type { View } from "../ui/view.ts";
import { type GalleryItemData, promptOf } from "./gallery-item.tsx";

export function ComparePage({ view, pair }: { view: View; pair: readonly [GalleryItemData, GalleryItemData] }) {
  const { gallery } = view.t;
  const [left, right] = pair;
  const rows = rowsOf(view, left).map(([name, value], at) => [name, value, rowsOf(view, right)[at]![1]] as const);
  return (
    <>
      <PageHead up={{ href: "/admin/gallery", label: gallery.title }} title={gallery.compareTitle} />
      <div class="pair-wide">
        {pair.map((data) => (
          <figure key={data.media.id} class="flow">
            <WholeMedia view={view} media={data.media} label={promptOf(data)?.slice(0, 120) ?? gallery.one[data.media.kind]} />
            <figcaption class="row">
              <a href={mediaHref(data.media.id)}>{gallery.ownPage}</a>
              <LinkButton href={downloadHref(data.media.id)} icon="download" small>
                {gallery.download}
              </LinkButton>
            </figcaption>
          </figure>
        ))}
      </div>
      <table class="compared">
        <caption class="unseen">{gallery.compareTitle}</caption>
        <tbody>
          {rows.map(([name, one, other]) => (
            <tr key={name} class={one === other ? "same" : undefined}>
              <th scope="row">{name}</th>
              {one === other ? (
                <td colSpan={2}>{one}</td>
              ) : (
                <>
                  <td>{one}</td>
                  <td>{other}</td>
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** The same names in the same order for every item. */
function rowsOf(view: View, data: GalleryItemData): (readonly [string, string])[] {
  const { gallery } = view.t;
  const { media, request, job, keyName, parameters, tokens } = data;
  const none = "–";
  const call = request?.attempts.at(-1);
  return [
    [gallery.prompt, promptOf(data) ?? none],
    [gallery.model, (request ?? job)?.model ?? media.family ?? none],
    [gallery.parameters, parameters.join(" · ") || none],
    [gallery.size, `${media.width && media.height ? `${media.width} × ${media.height} · ` : ""}${formatBytes(media.bytes, view.locale)}`],
    [gallery.cost, request ? formatUsd(request.usd, view.locale) : none],
    [gallery.took, request ? formatDuration(request.ms) : none],
    [gallery.key, keyName ?? none],
    [gallery.token, call ? (tokens.get(call.tokenId) ?? gallery.unknownToken(call.tokenId)) : none],
    [gallery.made, formatClock(media.createdAt, view)],
  ];
}
