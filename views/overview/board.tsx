// Capacity board: what each provider can make with each model now, filled to what is left today.
// biome-ignore-all lint/a11y/useSemanticElements: a grid of tiles that is read as a table
// biome-ignore-all lint/a11y/useFocusableInteractive: its rows and heads are read, not operated

import type { CapacityReason } from "../../src/gateway/pool/capacity.ts";
import type { Board, BoardRow, Tile } from "../../src/gateway/reports/board.ts";
import { reasonText } from "../tokens/token-fields.tsx";
import { Countdown } from "../ui/figures.tsx";
import { formatCount } from "../ui/format.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import type { View } from "../ui/view.ts";
import { providerName } from "./providers.ts";

const ICONS: Record<string, IconName> = { gemini: "spark", vertex: "cloud", flow: "video" };
/** Below this share of today's requests the foot of a tile is amber. */
const LOW = 0.15;

export const capacityReason = (view: View, reason: CapacityReason): string =>
  reason === "caps" ? view.t.overview.board.caps : reason === "operator" ? view.t.overview.board.off : reasonText(view, reason);

export function BoardSection({ view, board }: { view: View; board: Board }) {
  const { board: text } = view.t.overview;
  const hasLeft = board.rows.some(({ tiles }) => tiles.some(({ left }) => left));
  return (
    <section class="sec a-board" id="ov-board" aria-labelledby="board">
      <header>
        <h2 id="board">{text.title}</h2>
        <span class="soft">{hasLeft ? text.fill : text.noFill}</span>
        <a class="push" href="/admin/models">
          {text.models}
        </a>
      </header>
      <div class={`board p${board.providers.length}`} role="table" aria-labelledby="board">
        <div role="row" class="r h">
          <span role="columnheader">{text.model}</span>
          {board.providers.map((provider) => (
            <span key={provider} role="columnheader">
              <Icon name={ICONS[provider] ?? "tokens"} />
              {providerName(view, provider)}
            </span>
          ))}
        </div>
        <Kind view={view} label={text.images} rows={board.rows.filter(({ kind }) => kind === "image")} />
        <Kind view={view} label={text.videos} rows={board.rows.filter(({ kind }) => kind === "video")} />
      </div>
      {board.unserved > 0 && <p class="soft mt">{text.unserved(board.unserved)}</p>}
    </section>
  );
}

function Kind({ view, label, rows }: { view: View; label: string; rows: readonly BoardRow[] }) {
  if (rows.length === 0) return null;
  return (
    <>
      <div role="row" class="r k">
        <span role="cell">{label}</span>
      </div>
      {rows.map(({ family, tiles }) => (
        <div key={family} role="row" class="r">
          <div role="rowheader" class="m">
            {family}
          </div>
          {tiles.map((tile) => (
            <div key={tile.provider} role="cell">
              <TileView view={view} tile={tile} />
            </div>
          ))}
        </div>
      ))}
    </>
  );
}

function TileView({ view, tile }: { view: View; tile: Tile }) {
  const { board: text } = view.t.overview;
  const { state } = tile;
  if (state === "none")
    return (
      <span class="tile none">
        <span aria-hidden="true">–</span>
        <span class="unseen">{text.none}</span>
      </span>
    );
  const tone = state === "cannot" ? " bad" : state === "cooling" ? " warn" : "";
  return (
    <a class={`tile${tone}`} href={hrefOf(tile)}>
      {tone === "" && <Level tile={tile} />}
      <Words view={view} tile={tile} />
    </a>
  );
}

/** To the tokens that it is about: those that are held back, else all of the provider. */
function hrefOf({ provider, state, reason }: Tile): string {
  const params = new URLSearchParams({ provider });
  if (state === "cannot" || state === "cooling") {
    if (reason === "operator") params.set("health", "disabled");
    else if (reason !== null && reason !== "caps") params.set("reason", reason);
  }
  return `/admin/tokens?${params}`;
}

function Level({ tile: { left, ready, tokens } }: { tile: Tile }) {
  const share = left ? (left.of > 0 ? left.requests / left.of : 0) : tokens > 0 ? ready / tokens : 0;
  const width = Math.round(share * 100);
  return (
    <svg class="lv" viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">
      {left && <rect width={width} height="40" />}
      <path class={share < LOW ? "low" : undefined} d={`M0 40H${width}`} />
    </svg>
  );
}

function Words({ view, tile: { state, ready, tokens, until, reason, left, credits } }: { view: View; tile: Tile }) {
  const { board: text } = view.t.overview;
  const count = (value: number) => formatCount(value, view.locale);
  const why = reason === null ? null : capacityReason(view, reason);
  if (state === "cannot")
    return (
      <>
        <b>{text.cannot}</b>
        <small>{why}</small>
      </>
    );
  if (state === "cooling")
    return (
      <>
        <b>
          {text.in} <Countdown view={view} value={until} />
        </b>
        <small>{why}</small>
      </>
    );
  const more = left ? text.left(count(left.requests)) : credits !== null ? text.credits(count(credits)) : why;
  return (
    <>
      <b>{count(ready)}</b> {ready === tokens ? text.ready : text.ofReady(count(tokens))}
      <small>{state === "busy" ? text.busy : more}</small>
    </>
  );
}
