// Where what is needed can be done, or the one action that does it for all.

import type { Need } from "../../src/gateway/reports/needs.ts";
import { RestoredWays } from "../system/restored.tsx";
import { tokenHref } from "../tokens/token-fields.tsx";
import { buttonClass, LinkButton } from "../ui/controls.tsx";
import { Form } from "../ui/form.tsx";
import { formatCount } from "../ui/format.ts";
import type { View } from "../ui/view.ts";

type NeedProps<Kind extends Need["kind"] = Need["kind"]> = { view: View; need: Need & { kind: Kind } };

export function NeedWays({ view, need }: NeedProps) {
  const { ways } = view.t.overview;
  const to = (href: string, label: string, tone: "primary" | "plain" = "plain") => (
    <LinkButton href={href} small tone={tone}>
      {label}
    </LinkButton>
  );
  switch (need.kind) {
    case "tokens":
    case "models":
      return <HeldWays view={view} need={need} />;
    case "providerOff":
      return (
        <ForAll view={view} query={`provider=${encodeURIComponent(need.provider)}&health=disabled`}>
          {[{ act: "enable", label: ways.enableAll(formatCount(need.count, view.locale)), tone: "primary" }]}
        </ForAll>
      );
    case "jobs":
      return <JobWays view={view} need={need} />;
    case "unfinished":
      return to("/admin/welcome", ways.goOn, "primary");
    case "noTokens":
      return to("/admin/tokens/new", ways.addToken, "primary");
    case "noKeys":
      return to("/admin/keys", ways.makeKey, "primary");
    case "allHeld":
      return to("/admin/tokens?sort=health", ways.showTokens);
    case "restored":
      return <RestoredWays view={view} />;
    case "modelsWrong":
    case "retires":
      return to("/admin/models", ways.showModels);
    case "channel":
      return to("/admin/settings/alerts", ways.showAlerts, "primary");
    case "backup":
      return to("/admin/system/backup", ways.showBackup, "primary");
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

function JobWays({ view, need: { count, named } }: NeedProps<"jobs">) {
  const { ways } = view.t.overview;
  const [only] = named;
  if (count === 1 && only)
    return (
      <>
        <LinkButton href={`/admin/jobs/${encodeURIComponent(only.id)}`} small tone="primary">
          {ways.decide}
        </LinkButton>
        <LinkButton href={`/admin/requests/${encodeURIComponent(only.requestId)}`} small>
          {ways.seeRequest}
        </LinkButton>
      </>
    );
  return (
    <LinkButton href="/admin/jobs?state=unknown" small tone="primary">
      {ways.decide}
    </LinkButton>
  );
}

/** A new secret, proxy or location has its own page; what only has to be tried again is done for all at once. */
function HeldWays({ view, need: { kind, provider, reason, count, named, fix } }: NeedProps<"tokens" | "models">) {
  const { ways } = view.t.overview;
  const shown = formatCount(count, view.locale);
  const query = new URLSearchParams({ provider, reason, ...(kind === "tokens" && { health: "blocked" }) }).toString();
  const [only] = named;
  const isOne = count === 1 && only !== undefined;
  const needsSecret = fix === "secret";
  const clear = reason === "verification" ? (isOne ? ways.done : ways.doneAll(shown)) : isOne ? ways.clear : ways.clearAll(shown);
  return (
    <>
      {needsSecret && (
        <LinkButton href={isOne ? tokenHref(only.id, "#secret") : `/admin/tokens/replace?${query}`} small tone="primary">
          {isOne ? ways.replaceSecret : ways.replaceByCsv}
        </LinkButton>
      )}
      {isOne && (fix === "proxy" || fix === "location") && (
        <LinkButton href={tokenHref(only.id, "#settings")} small tone="primary">
          {fix === "proxy" ? ways.setProxy : ways.setLocation}
        </LinkButton>
      )}
      <ForAll view={view} query={query}>
        {needsSecret && !isOne
          ? [
              { act: "disable", label: ways.disableAll(shown) },
              { act: "remove", label: ways.removeAll(shown) },
            ]
          : [{ act: "clear", label: clear }]}
      </ForAll>
      <LinkButton href={isOne ? tokenHref(only.id) : `/admin/tokens?${query}`} small tone="quiet">
        {ways.showTokens}
      </LinkButton>
    </>
  );
}

type Act = { act: "clear" | "disable" | "enable" | "remove"; label: string; tone?: "primary" };

/** Actions on every token that matches: the bulk actions of the list, which ask first where the harm is large. */
function ForAll({ view, query, children }: { view: View; query: string; children: readonly Act[] }) {
  return (
    <Form view={view} action="/admin/tokens/bulk" class="action">
      <input type="hidden" name="query" value={query} />
      <input type="hidden" name="every" value="on" />
      <input type="hidden" name="back" value="/admin" />
      {children.map(({ act, label, tone }) => (
        <button key={act} type="submit" class={buttonClass(tone, true)} name="act" value={act}>
          {label}
        </button>
      ))}
    </Form>
  );
}
