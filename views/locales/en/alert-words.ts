// English: what alert messages and the list of incidents say.
import type { AlertFacts, AlertFormat, AlertTexts, LimitFacts, OtherNeed } from "../../../src/gateway/alerts/facts.ts";
import { health } from "./health.ts";
import { tokens as tokenWords } from "./tokens.ts";

const { reasons, outcomes } = tokenWords;

const units: Record<LimitFacts["unit"], string> = { images: "images", videoSeconds: "seconds of video", usd: "", requests: "requests" };
const periods: Record<LimitFacts["period"], string> = { day: "a day", month: "a month", total: "in total" };
const owners: Record<LimitFacts["of"], string> = { key: "Key", token: "Token", group: "Group" };
const other: Record<OtherNeed, string> = {
  noKeys: "No key yet: no client can connect",
  restored: "A backup was restored",
  linksUnreached: "Clients get links that cannot be opened from elsewhere",
  modelsWrong: "Models are not as they were written",
  webhooksWithoutUrl: "Webhooks are sent without links to results",
  unknown: "Something needs attention",
};

const tokens = (count: number) => `${count} ${count === 1 ? "token" : "tokens"}`;
const days = (count: number) => `${count} ${count === 1 ? "day" : "days"}`;

function amount({ unit }: LimitFacts, value: number, format: AlertFormat): string {
  return unit === "usd" ? format.usd(value) : `${format.count(value)} ${units[unit]}`;
}

function retires({ title, provider, day, daysLeft }: Extract<AlertFacts, { kind: "retires" }>, format: AlertFormat): string {
  const where = `${title} at ${format.provider(provider)}`;
  return daysLeft < 0 ? `${where} was retired on ${day}` : `${where} retires in ${days(daysLeft)}, on ${day}`;
}

export const alertWords: AlertTexts = {
  headline(facts, format) {
    switch (facts.kind) {
      case "poolEmpty":
        return facts.why === "noTokens" ? "There is no token: nothing can be generated" : "No token is available: nothing can be generated";
      case "providerOff":
        return `All ${tokens(facts.count)} of ${format.provider(facts.provider)} are switched off`;
      case "poolLow":
        return facts.healthy === 0
          ? `No token of ${format.provider(facts.provider)} is healthy`
          : `Healthy tokens of ${format.provider(facts.provider)}: only ${facts.healthy}`;
      case "imagesLeft":
        return facts.left === 0
          ? "No image is left today by the caps per day"
          : `Images left today by the caps per day: ${format.count(facts.left)}`;
      case "tokens":
        return facts.families.length > 0
          ? `${tokens(facts.count)} of ${format.provider(facts.provider)}, some models: ${reasons[facts.reason]}`
          : `${tokens(facts.count)} of ${format.provider(facts.provider)}: ${reasons[facts.reason]}`;
      case "jobs":
        return `${facts.count} ${facts.count === 1 ? "job" : "jobs"} may have been charged and wait for a decision`;
      case "ledger":
        return "Costs cannot be recorded, so nothing is generated";
      case "network":
        return "No upstream responds: this server's network seems to be down";
      case "node":
        if (facts.what === "models") return `Node ${facts.node}: its models file is wrong`;
        return facts.what === "ledger"
          ? `Node ${facts.node} cannot record costs, so it generates nothing`
          : `Node ${facts.node} reaches no upstream: its network seems to be down`;
      case "disk":
        return facts.stops ? "The disk is full: generations are refused" : `Only ${format.bytes(facts.freeBytes)} of disk free`;
      case "errors":
        return `${format.count(facts.percent)} % of generations failed in ${facts.minutes} minutes`;
      case "limit":
        return `${owners[facts.of]} ${facts.name} has used ${facts.percent} % of ${amount(facts, facts.limit, format)} ${periods[facts.period]}`;
      case "backup":
        if (facts.error !== null) return "The last backup failed";
        return facts.at === null ? "There is no backup" : `The last backup is ${days(facts.days)} old`;
      case "retires":
        return retires(facts, format);
      case "signIn":
        return `${facts.actor} signed in from a new address, ${facts.address}`;
      case "channel":
        return `Alerts cannot be sent by ${facts.name}`;
      case "other":
        return other[facts.need];
    }
  },
  detail(facts, format) {
    switch (facts.kind) {
      case "poolEmpty":
        return facts.until === null ? "" : `The first token is back at ${format.time(facts.until)}.`;
      case "tokens": {
        const named = facts.families.length > 0 ? facts.families : facts.names;
        const rest = facts.families.length > 0 ? 0 : facts.count - facts.names.length;
        const list = named.length === 0 ? "" : `${named.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}. `;
        return `${list}${health[facts.reason]}`;
      }
      case "imagesLeft":
        return `Fewer than ${format.count(facts.below)}. The caps begin anew at ${format.time(facts.until)}.`;
      case "poolLow":
        return `Fewer than ${facts.below}.`;
      case "jobs":
        return facts.usd > 0 ? `Up to ${format.usd(facts.usd)}.` : "";
      case "errors":
        return `${facts.failed} of ${facts.total}, most of them: ${outcomes[facts.outcome as keyof typeof outcomes] ?? facts.outcome}.`;
      case "limit": {
        const until = facts.until === null ? "" : ` It starts again at ${format.time(facts.until)}.`;
        return `${amount(facts, facts.used, format)} used.${until}`;
      }
      case "backup":
        return facts.error ?? (facts.at === null ? "" : `It was made at ${format.time(facts.at)}.`);
      case "node":
        return facts.problem;
      case "channel":
        return facts.error;
      case "other":
        return facts.detail;
      default:
        return "";
    }
  },
  telling: { begin: "New", raise: "Worse", remind: "Still", end: "Over", past: "Over meanwhile" },
  several: (count) => `${count} incidents`,
  more: (count) => `and ${count} more`,
  lasted: (duration) => `It lasted ${duration}.`,
  test: { title: "test message", text: (channel) => `The channel ${channel} works. Alerts will be sent here.` },
};
