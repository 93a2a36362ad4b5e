// Words a digest of incidents: title, a line each, and the same for programs. Pure.
import type { AlertMessage } from "./channels/channel.ts";
import type { AlertFormat, AlertTexts } from "./facts.ts";
import type { DigestItem } from "./incidents.ts";

/** Incidents named one by one. */
const LINES = 12;

type Words = { texts: AlertTexts; format: AlertFormat };

/** Urgent ones first, what is over last. */
const ORDER = { raise: 1, begin: 1, remind: 2, past: 3, end: 3 } as const;
const rankOf = ({ incident, telling }: DigestItem): number => (incident.urgent && ORDER[telling] === 1 ? 0 : ORDER[telling]);

export function messageOf(
  items: readonly DigestItem[],
  { texts, format }: Words,
  { url, at }: { url: string | null; at: number },
): AlertMessage {
  const sorted = [...items].sort((a, b) => rankOf(a) - rankOf(b));
  const [first] = sorted;
  const shown = sorted.slice(0, LINES).map((item) => lineOf(item, { texts, format }));
  const rest = sorted.length > LINES ? [texts.more(sorted.length - LINES)] : [];
  const headline = first ? `${texts.telling[first.telling]}: ${texts.headline(first.incident.facts, format)}` : "";
  return {
    title: `flow2api: ${sorted.length === 1 ? headline : texts.several(sorted.length)}`,
    lines: sorted.length === 1 && first ? [restOf(first, { texts, format })].filter((line) => line !== "") : [...shown, ...rest],
    urgent: sorted.some((item) => rankOf(item) === 0),
    isOver: sorted.every(({ incident }) => incident.endedAt !== null),
    ...{ url, at },
    incidents: sorted.map(({ incident, telling }) => ({
      ...{ id: incident.id, rule: incident.rule, subject: incident.subject, telling },
      headline: texts.headline(incident.facts, format),
      began_at: new Date(incident.beganAt).toISOString(),
      ended_at: incident.endedAt === null ? null : new Date(incident.endedAt).toISOString(),
      facts: incident.facts,
    })),
  };
}

/** What a line has beyond the headline. */
function restOf({ incident, telling }: DigestItem, { texts, format }: Words): string {
  const { facts, beganAt, endedAt } = incident;
  const isOver = telling === "end" || telling === "past";
  const since = isOver && endedAt !== null ? texts.lasted(format.duration(endedAt - beganAt)) : "";
  return [since, isOver ? "" : texts.detail(facts, format)].filter((part) => part !== "").join(" ");
}

function lineOf(item: DigestItem, words: Words): string {
  const { texts, format } = words;
  const rest = restOf(item, words);
  return `• ${texts.telling[item.telling]}: ${texts.headline(item.incident.facts, format)}${rest === "" ? "" : `. ${rest}`}`;
}
