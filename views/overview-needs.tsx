// Alerts of the overview: what needs a hand, and where it can be done.
import type { ComponentChildren } from "preact";
import type { Alert } from "../src/gateway/reports/overview.ts";
import { RestoredText, RestoredWays } from "./system/restored.tsx";
import { ActionButton, HealthBadge, LinkButton } from "./ui/controls.tsx";
import { Bytes, Time } from "./ui/figures.tsx";
import { formatCount } from "./ui/format.ts";
import type { View } from "./ui/view.ts";

export function NeedRow({ view, need }: { view: View; need: Alert }) {
  if (need.kind === "token") return <TokenNeed view={view} need={need} />;
  return <Line action={<WayOn view={view} need={need} />}>{wordsOf(view, need)}</Line>;
}

type TokenOnly = Extract<Alert, { kind: "token" }>;

function TokenNeed({ view, need: { id, label, health, remedy } }: { view: View; need: TokenOnly }) {
  const { overview, tokens } = view.t;
  const action = (
    <>
      <ActionButton view={view} action={`/admin/overview/tokens/${id}/cooldown`} small>
        {overview.clear}
      </ActionButton>
      {(remedy === "secret" || remedy === "proxy") && (
        <LinkButton href={`/admin/tokens/${id}${remedy === "secret" ? "#secret" : "#settings"}`} small tone="primary">
          {tokens.remedies[remedy]}
        </LinkButton>
      )}
    </>
  );
  return (
    <Line action={action}>
      <HealthBadge view={view} state={health.state} />{" "}
      <a class="cut" href={`/admin/tokens/${id}`}>
        {label}
      </a>{" "}
      <span class="muted">{health.reason && health.reason !== "operator" && view.t.health[health.reason]}</span>
    </Line>
  );
}

type OtherNeed = Exclude<Alert, TokenOnly>;

function wordsOf(view: View, need: OtherNeed): ComponentChildren {
  const { overview } = view.t;
  switch (need.kind) {
    case "network":
    case "ledger":
      return (
        <>
          {overview[need.kind]} <span class="muted">{overview.since}</span> <Time view={view} value={need.since} />
        </>
      );
    case "disk":
      return (
        <>
          {need.stops ? overview.diskFull : overview.diskLow} <Bytes view={view} value={need.freeBytes} />
        </>
      );
    case "restored":
      return <RestoredText view={view} applied={need.applied} />;
    case "job":
      return (
        <>
          {overview.job} <span class="mono cut">{need.model}</span> <Time view={view} value={need.at} />
        </>
      );
    case "linksUnreached":
      return overview.linksUnreached(need.host);
    case "modelsWrong":
      return (
        <>
          {overview.modelsWrong} <code>{need.problem}</code>
        </>
      );
    case "retires": {
      const { title, provider, day, daysLeft } = need.retirement;
      return `${title}: ${view.t.models.retires(provider, day, daysLeft)}`;
    }
    case "moreTokens":
    case "moreJobs":
      return overview[need.kind](formatCount(need.count, view.locale));
    default:
      return overview[need.kind];
  }
}

/** Where what is needed can be done. */
function WayOn({ view, need }: { view: View; need: OtherNeed }) {
  const { ways } = view.t.overview;
  const to = (href: string, label: string, tone: "primary" | "plain" = "plain") => (
    <LinkButton href={href} small tone={tone}>
      {label}
    </LinkButton>
  );
  switch (need.kind) {
    case "unfinished":
      return to("/admin/welcome", ways.goOn, "primary");
    case "noTokens":
      return to("/admin/tokens/new", ways.addToken, "primary");
    case "noKeys":
      return to("/admin/keys", ways.makeKey, "primary");
    case "allHeld":
    case "moreTokens":
      return to(`/admin/tokens?${need.kind === "allHeld" ? "sort=health" : "health=blocked"}`, ways.showTokens);
    case "job":
      return to(`/admin/jobs/${encodeURIComponent(need.id)}`, ways.decide, "primary");
    case "moreJobs":
      return to("/admin/jobs?state=unknown", ways.showJobs);
    case "restored":
      return <RestoredWays view={view} />;
    case "modelsWrong":
    case "retires":
      return to("/admin/models", ways.showModels);
    case "disk":
      return (
        <>
          {to("/admin/settings?q=media.", ways.mediaLimits)}
          {to("/admin/gallery", ways.deleteMedia, "primary")}
        </>
      );
    case "linksUnreached":
    case "webhooksWithoutUrl":
      return to("/admin/settings?q=public_url", ways.setUrl, "primary");
    default:
      return to("/admin/system", ways.check, "primary");
  }
}

const Line = ({ children, action }: { children: ComponentChildren; action: ComponentChildren }) => (
  <li class="row">
    <div class="need">{children}</div>
    {action}
  </li>
);
