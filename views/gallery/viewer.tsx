// Gallery viewer: one media item over the wall, with its prompt and what can be done; gallery.js moves through the wall by arrow keys.

import { CopyButton, LinkButton } from "../ui/controls.tsx";
import { ActionButton } from "../ui/form.tsx";
import { Icon, type IconName } from "../ui/icon.tsx";
import { downloadHref, mediaHref, WholeMedia } from "../ui/media.tsx";
import type { View } from "../ui/view.ts";
import { Facts, type GalleryItemData, promptOf } from "./gallery-item.tsx";

/** The empty viewer, in the page of the wall. Without JavaScript an item has a page of its own. */
export function ViewerFrame({ view }: { view: View }) {
  const { gallery } = view.t;
  return (
    <dialog id="viewer" class="box-lit" aria-label={gallery.viewer}>
      <div class="stage">
        <div id="viewer-media" aria-live="polite" />
        <Turn act="previous" icon="left" label={gallery.previous} />
        <Turn act="next" icon="right" label={gallery.next} />
        <Turn act="close" icon="x" label={gallery.close} />
        <div class="film" id="viewer-film" />
      </div>
      <aside id="viewer-facts" />
    </dialog>
  );
}

const Turn = ({ act, icon, label }: { act: string; icon: IconName; label: string }) => (
  <button type="button" class={`icon nav ${act}`} data-turn={act} aria-label={label} title={label} autofocus={act === "close"}>
    <Icon name={icon} />
  </button>
);

/** What fills the viewer: the media item takes the place that htmx swaps, the facts travel beside it. */
export function ViewerContent({ view, data }: { view: View; data: GalleryItemData }) {
  const { gallery } = view.t;
  const { media, job } = data;
  const prompt = promptOf(data);
  const label = prompt?.slice(0, 120) ?? gallery.describe(gallery.one[media.kind], media.family ?? "");
  const reuse = job ? `job=${encodeURIComponent(job.id)}` : `like=${encodeURIComponent(media.id)}`;
  const Beside = "hx-partial" as unknown as (props: Record<string, unknown>) => null;
  return (
    <>
      <WholeMedia view={view} media={media} label={label} />
      <Beside hx-target="#viewer-facts" hx-swap="innerHTML">
        <div class="flow">
          {prompt ? (
            <>
              <p class="prompt">{prompt}</p>
              <CopyButton view={view} text={prompt} label={gallery.copyPrompt} />
            </>
          ) : (
            <p class="soft">{gallery.noPrompt}</p>
          )}
          <div class="row">
            <LinkButton href={downloadHref(media.id)} icon="download" small>
              {gallery.download}
            </LinkButton>
            <LinkButton href={`/admin/playground?use=${encodeURIComponent(media.id)}`} icon="playground" small>
              {gallery.useAsReference}
            </LinkButton>
            {prompt && (
              <LinkButton href={`/admin/playground?${reuse}`} icon="redo" small>
                {gallery.reuse}
              </LinkButton>
            )}
            <ActionButton view={view} action="/admin/gallery/delete" fields={{ id: media.id }} tone="danger" icon="trash" small>
              {gallery.remove}
            </ActionButton>
          </div>
          <Facts view={view} data={data} />
          <p>
            <a href={mediaHref(media.id)}>{gallery.ownPage}</a>
          </p>
        </div>
      </Beside>
    </>
  );
}
