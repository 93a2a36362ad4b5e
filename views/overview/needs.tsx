// What needs the operator, a row a reason, with one action for all that it concerns.
import type { ComponentChildren } from "preact";
import type { Need } from "../../src/gateway/reports/needs.ts";
import { RestoredText } from "../system/restored.tsx";
import { adviceText, reasonText } from "../tokens/token-fields.tsx";
import { Countdown, Time } from "../ui/figures.tsx";
import { formatBytes, formatCount, formatUsd } from "../ui/format.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import type { View } from "../ui/view.ts";
import { NeedWays } from "./need-ways.tsx";
import { providerName } from "./providers.ts";

type Words = { title: ComponentChildren; why: ComponentChildren };

/** Reasons, tokens and jobs that they concern, in a line. */
export function needCounts(view: View, needs: readonly Need[]): string {
  const sum = (of: (need: Need) => number) => needs.reduce((total, need) => total + of(need), 0);
  const tokens = sum((need) => (need.kind === "tokens" || need.kind === "models" || need.kind === "providerOff" ? need.count : 0));
  return view.t.overview.need.count(
    needs.length,
    tokens,
    sum((need) => (need.kind === "jobs" ? need.count : 0)),
  );
}

export function NeedRow({ view, need }: { view: View; need: Need }) {
  const { title, why } = wordsOf(view, need);
  return (
    <li class={`prob ${need.level}`} id={`need-${need.id.replaceAll(/[^\w.-]+/g, "-")}`}>
      <Icon name={iconOf(need)} />
      <h3>{title}</h3>
      <p class="soft">
        {why}
        {need.since !== null && need.kind !== "restored" && (
          <>
            {" "}
            {view.t.overview.since} <Time view={view} value={need.since} ago />.
          </>
        )}
      </p>
      <div class="row">
        <NeedWays view={view} need={need} />
      </div>
    </li>
  );
}

function iconOf({ kind, level }: Need): IconName {
  if (kind === "jobs") return "coins";
  if (kind === "models") return "lock";
  if (kind === "network") return "offline";
  return level === "bad" ? "blocked" : "warn";
}

function wordsOf(view: View, need: Need): Words {
  const { need: text } = view.t.overview;
  const count = (value: number) => formatCount(value, view.locale);
  switch (need.kind) {
    case "tokens":
    case "models":
      return heldWords(view, need);
    case "jobs":
      return {
        title: need.count === 1 ? text.job : text.jobs(count(need.count)),
        why: (
          <>
            {[...new Set(need.named.map(({ model }) => model))].join(", ")}. {text.jobsWhy(formatUsd(need.usd, view.locale))}
          </>
        ),
      };
    case "providerOff": {
      const provider = providerName(view, need.provider);
      return { title: text.providerOff(provider, count(need.count)), why: text.providerOffWhy(provider) };
    }
    case "disk": {
      const free = formatBytes(need.freeBytes, view.locale);
      return need.stops ? { title: text.diskFull, why: text.diskFullWhy(free) } : { title: text.diskLow, why: text.diskLowWhy(free) };
    }
    case "allHeld":
      return { title: text.allHeld, why: <AllHeldWhy view={view} until={need.until} /> };
    case "restored":
      return { title: text.restored, why: <RestoredText view={view} applied={need.applied} /> };
    case "modelsWrong":
      return { title: text.modelsWrong, why: <code>{need.problem}</code> };
    case "linksUnreached":
      return { title: text.linksUnreached, why: text.linksUnreachedWhy(need.host) };
    case "node":
      return {
        title: text.node[need.what](need.node),
        why: need.what === "models" ? <code>{need.problem}</code> : text.node[`${need.what}Why`],
      };
    case "channel":
      return { title: text.channel(need.channel.name), why: text.said(need.channel.error) };
    case "backup":
      return { title: text.backup, why: need.error };
    case "retires": {
      const { title, provider, day, daysLeft } = need.retirement;
      return { title, why: view.t.models.retires(providerName(view, provider), day, daysLeft) };
    }
    default:
      return { title: text[need.kind], why: text[`${need.kind}Why`] };
  }
}

function AllHeldWhy({ view, until }: { view: View; until: number | null }) {
  const { need } = view.t.overview;
  return (
    <>
      {need.allHeldWhy}
      {until !== null && (
        <>
          {" "}
          {need.back} <Countdown view={view} value={until} />
        </>
      )}
    </>
  );
}

function heldWords(view: View, { kind, provider, reason, count, named, families }: Need & { kind: "tokens" | "models" }): Words {
  const { need: text } = view.t.overview;
  const shown = formatCount(count, view.locale);
  const names = named.map(({ label }) => label).join(", ");
  const rest = count - named.length;
  return {
    title: text[kind](providerName(view, provider), count, shown, reasonText(view, reason)),
    why: (
      <>
        {rest > 0 ? text.andMore(names, formatCount(rest, view.locale)) : names}
        {families.length > 0 && ` (${families.join(", ")})`}. {adviceText(view, reason)}
      </>
    ),
  };
}
