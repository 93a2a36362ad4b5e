// Overview page: what can be made now, what needs the operator, what runs, and today against yesterday.
import type { VNode } from "preact";
import type { OverviewState } from "../../src/gateway/reports/overview.ts";
import { ThreeSteps } from "../auth/setup.tsx";
import { SideCallsCard } from "../side-calls.tsx";
import { EmptyState, LinkButton } from "../ui/controls.tsx";
import { NAV } from "../ui/nav.ts";
import type { View } from "../ui/view.ts";
import { Sea } from "./band.tsx";
import { BoardSection } from "./board.tsx";
import { NeedRow, needCounts } from "./needs.tsx";
import { SpendSection, TodaySection } from "./today.tsx";
import { WorkSection } from "./work.tsx";

type Props = { view: View; look: OverviewState };

/** `origin`: where clients find this server. */
export function OverviewPage({ view, look, origin }: Props & { origin: string }) {
  const isEmpty = look.needs.some(({ kind }) => kind === "noTokens" || kind === "unfinished");
  return (
    <>
      <h1 class="unseen">{view.t.overview.title}</h1>
      {/* Its own frames change parts of the page; nothing is swapped here. */}
      <div {...{ "hx-sse:connect": "/admin/events/overview" }} hx-swap="none" />
      <div class={isEmpty ? "over empty" : "over"}>
        {overviewParts(view, look).map(({ node }) => node)}
        {isEmpty && (
          <div class="a-start">
            <ThreeSteps view={view} origin={origin} />
          </div>
        )}
      </div>
    </>
  );
}

/** Sent again one by one as they change; each has its id. */
export function overviewParts(view: View, look: OverviewState): { id: string; node: VNode }[] {
  const { band, board, needs, work, today, keys, sideCalls } = look;
  if (needs.some(({ kind }) => kind === "noTokens" || kind === "unfinished"))
    return [{ id: "ov-needs", node: <NeedsSection key="needs" view={view} needs={needs} /> }];
  const isQuiet = today.kinds.image.served + today.kinds.video.served + today.kinds.image.failed + today.kinds.video.failed === 0;
  const hasYesterday = [today.kinds.image, today.kinds.video].some(({ yesterday }) => yesterday.some((count) => count > 0));
  return [
    { id: "ov-band", node: <Sea key="band" view={view} band={band} /> },
    { id: "ov-needs", node: <NeedsSection key="needs" view={view} needs={needs} /> },
    { id: "ov-board", node: <BoardSection key="board" view={view} board={board} /> },
    { id: "ov-work", node: <WorkSection key="work" view={view} work={work} /> },
    {
      id: "ov-today",
      node: isQuiet && !hasYesterday ? <Quiet key="today" view={view} /> : <TodaySection key="today" view={view} today={today} />,
    },
    { id: "ov-spend", node: <SpendSection key="spend" view={view} today={today} keys={keys} /> },
    { id: "ov-side", node: <SideSection key="side" view={view} look={sideCalls} /> },
  ];
}

function NeedsSection({ view, needs }: { view: View; needs: OverviewState["needs"] }) {
  const { overview } = view.t;
  return (
    <section class="box a-needs" id="ov-needs" aria-labelledby="needs">
      <header>
        <h2 id="needs">{overview.needs}</h2>
        {needs.length > 0 && <span class="soft">{needCounts(view, needs)}</span>}
      </header>
      {needs.length === 0 ? (
        <p class="soft">{overview.needsNothing}</p>
      ) : (
        <ul>
          {needs.map((need) => (
            <NeedRow key={need.id} view={view} need={need} />
          ))}
        </ul>
      )}
    </section>
  );
}

const SideSection = ({ view, look }: { view: View; look: OverviewState["sideCalls"] }) => (
  <div id="ov-side" class="a-side">
    <SideCallsCard view={view} look={look} />
  </div>
);

/** Nothing was generated yesterday and today: where it begins, in place of empty charts. */
function Quiet({ view }: { view: View }) {
  const { overview, shell } = view.t;
  const playground = NAV.find(({ name }) => name === "playground");
  return (
    <section class="box a-traf" id="ov-today" aria-label={overview.today.title}>
      <EmptyState
        title={overview.quiet}
        action={
          playground && (
            <LinkButton href={playground.path} tone="primary">
              {shell.nav.playground}
            </LinkButton>
          )
        }
      >
        {overview.quietAbout}
      </EmptyState>
    </section>
  );
}
