// The overview: what happens now, and what needs the operator's hand.
import type { ComponentChildren } from "preact";
import type { HealthReason } from "../src/gateway/health.ts";
import { ActionButton, Card, HealthBadge, LinkButton, Stat, Stats } from "./controls.tsx";
import { Count, Countdown } from "./figures.tsx";
import { PageHead } from "./layout.tsx";
import type { View } from "./view.ts";

export type OverviewNow = {
  inFlight: { image: number; video: number };
  queued: number;
  tokens: { healthy: number; cooling: number; blocked: number; disabled: number };
};

/** What needs a hand, worst first. */
export type Need =
  | { kind: "noTokens" | "noKeys" | "unfinished" | "networkDown" | "allHeld" }
  | {
      kind: "token";
      id: number;
      label: string;
      state: "cooling" | "blocked";
      reason: HealthReason | "operator" | null;
      until: number | null;
    };

export type OverviewData = { now: OverviewNow; needs: readonly Need[] };

export function OverviewPage({ view, data }: { view: View; data: OverviewData }) {
  const { overview } = view.t;
  return (
    <>
      <PageHead title={overview.title} about={overview.about} />
      <div {...{ "hx-sse:connect": "/admin/events/overview" }} hx-swap="innerHTML">
        <OverviewLive view={view} data={data} />
      </div>
    </>
  );
}

/** The part that is sent again whenever it changes. */
export function OverviewLive({ view, data: { now, needs } }: { view: View; data: OverviewData }) {
  const { overview } = view.t;
  return (
    <>
      <Stats>
        <Stat label={overview.inFlight} note={`${now.inFlight.image} ${overview.images} · ${now.inFlight.video} ${overview.videos}`}>
          <Count view={view} value={now.inFlight.image + now.inFlight.video} />
        </Stat>
        <Stat label={overview.queued}>
          <Count view={view} value={now.queued} />
        </Stat>
        {(["healthy", "cooling", "blocked", "disabled"] as const).map((state) => (
          <Stat key={state} label={overview[state]}>
            <Count view={view} value={now.tokens[state]} />
          </Stat>
        ))}
      </Stats>
      <Card title={overview.needs}>
        {needs.length === 0 ? (
          <p class="muted">{overview.needsNothing}</p>
        ) : (
          <ul class="needs">
            {needs.map((need) => (
              <NeedRow key={need.kind === "token" ? need.id : need.kind} view={view} need={need} />
            ))}
          </ul>
        )}
      </Card>
    </>
  );
}

function NeedRow({ view, need }: { view: View; need: Need }) {
  const { overview } = view.t;
  if (need.kind === "token") {
    return (
      <Line
        action={
          <ActionButton view={view} action={`/admin/overview/tokens/${need.id}/cooldown`} small>
            {overview.clear}
          </ActionButton>
        }
      >
        <HealthBadge view={view} state={need.state} /> <strong>{need.label}</strong>{" "}
        <span class="muted">{need.reason && view.t.health[need.reason]}</span>{" "}
        {need.until !== null && <Countdown view={view} value={need.until} />}
      </Line>
    );
  }
  const goOn =
    need.kind === "networkDown" || need.kind === "allHeld" ? null : (
      <LinkButton href="/admin/welcome" small tone="primary">
        {overview.goOn}
      </LinkButton>
    );
  return <Line action={goOn}>{overview[need.kind]}</Line>;
}

const Line = ({ children, action }: { children: ComponentChildren; action: ComponentChildren }) => (
  <li class="row">
    <div class="grow">{children}</div>
    {action}
  </li>
);
