// Incidents: from what rules see to what is sent, one step at a time. Pure: the clock is an argument, nothing is changed in place.
import type { AlertFacts, RuleName, Signal, Telling } from "./facts.ts";
import {
  clearMs,
  GAP_MS,
  isExplained,
  MOST_AN_HOUR,
  MOST_URGENT_AN_HOUR,
  RETURN_MS,
  RULES,
  URGENT_GAP_MS,
  URGENT_WAIT_MS,
  WAIT_MS,
} from "./rules.ts";

/** A condition from its beginning to its end. Times are epoch ms. */
export type Incident = Readonly<{
  id: string;
  rule: RuleName;
  subject: string;
  facts: AlertFacts;
  level: number;
  urgent: boolean;
  beganAt: number;
  endedAt: number | null;
  /** When it began, rose or ended, as far as messages are concerned. */
  changedAt: number;
  /** Of the last message; null: there was none. */
  toldAt: number | null;
  toldLevel: number | null;
  /** Since when its condition is not seen; null: it is. Not stored. */
  absentSince: number | null;
  /** How often it has come back within the hour. */
  returns: number;
  /** Another incident explained it while nothing of it was sent. */
  covered: boolean;
  settled: boolean;
  /** When its figures were last handed over to be stored. */
  savedAt: number;
}>;

export type Memory = Readonly<{
  /** Those that are not settled. */
  incidents: readonly Incident[];
  /** Conditions that have not lasted long enough, with the time at which they were first seen. */
  pending: ReadonlyMap<string, number>;
  /** The last end of each condition within the hour. */
  recent: ReadonlyMap<string, { endedAt: number; returns: number }>;
  /** Times of messages within the hour, ascending. */
  sentAt: readonly number[];
}>;

export type Policy = {
  isOn(rule: RuleName): boolean;
  /** Ms until an incident that lasts is sent again; 0: never. */
  remindMs: number;
  isQuiet: boolean;
  /** What is urgent is sent in quiet hours too. */
  urgentInQuiet: boolean;
};

export type DigestItem = { incident: Incident; telling: Telling };

export type Step = {
  memory: Memory;
  /** To be stored, together with the messages about the digest. */
  changed: Incident[];
  /** What one message says; empty: none is sent. */
  digest: DigestItem[];
};

export const EMPTY_MEMORY: Memory = { incidents: [], pending: new Map(), recent: new Map(), sentAt: [] };

const HOUR_MS = 3_600_000;
/** Figures alone are stored no more often than this, ms. */
const SAVE_MS = 60_000;

export const identityOf = ({ rule, subject }: Pick<Signal, "rule" | "subject">): string => `${rule} ${subject}`;

type Seen = { signals: readonly Signal[]; events: readonly Signal[] };

/**
 * One step: what is seen now opens, changes and ends incidents; what is due of them makes one message.
 * @param newId makes the id of a new incident
 */
export function step(memory: Memory, { signals, events }: Seen, policy: Policy, { now, newId }: { now: number; newId(): string }): Step {
  const seen = new Map(signals.filter(({ rule }) => policy.isOn(rule)).map((signal) => [identityOf(signal), signal]));
  const recent = new Map([...memory.recent].filter(([, { endedAt }]) => now - endedAt < RETURN_MS));
  const kept = memory.incidents.map((incident) => observed(incident, seen.get(identityOf(incident)), policy, now));
  const open = new Set(kept.filter(({ endedAt }) => endedAt === null).map(identityOf));
  const fresh = [...seen].filter(([identity]) => !open.has(identity));
  const first = (identity: string) => memory.pending.get(identity) ?? now;
  const lasts = ([identity, { rule }]: [string, Signal]) => now - first(identity) >= RULES[rule].forMs;
  const returnsOf = (identity: string) => (recent.has(identity) ? recent.get(identity)!.returns + 1 : 0);
  const opened = fresh
    .filter(lasts)
    .map(([identity, signal]) => begun(signal, { id: newId(), beganAt: first(identity), returns: returnsOf(identity), now }));
  const happened = events
    .filter(({ rule }) => policy.isOn(rule))
    .map((signal) => ({ ...begun(signal, { id: newId(), beganAt: now, returns: 0, now }), endedAt: now }));
  const sent = tell([...kept, ...opened, ...happened], memory.sentAt, policy, now);
  for (const incident of sent.incidents)
    if (incident.endedAt !== null) recent.set(identityOf(incident), { endedAt: incident.endedAt, returns: incident.returns });
  const before = new Map(memory.incidents.map((incident) => [incident.id, incident]));
  const changed = sent.incidents.filter((incident) => isToBeStored(before.get(incident.id), incident, now));
  const stored = new Set(changed.map(({ id }) => id));
  return {
    memory: {
      incidents: sent.incidents.filter(({ settled }) => !settled).map((one) => (stored.has(one.id) ? { ...one, savedAt: now } : one)),
      pending: new Map(fresh.filter((one) => !lasts(one)).map(([identity]) => [identity, first(identity)])),
      recent,
      sentAt: sent.sentAt,
    },
    changed,
    digest: sent.digest,
  };
}

function begun(signal: Signal, { id, beganAt, returns, now }: { id: string; beganAt: number; returns: number; now: number }): Incident {
  return {
    ...{ id, ...signal, beganAt, endedAt: null, changedAt: now, toldAt: null, toldLevel: null, absentSince: null },
    ...{ returns, covered: false, settled: false, savedAt: 0 },
  };
}

/** An incident after a look at its condition; `signal` undefined: it is not there. */
function observed(incident: Incident, signal: Signal | undefined, policy: Policy, now: number): Incident {
  if (incident.endedAt !== null) return policy.isOn(incident.rule) ? incident : { ...incident, settled: true };
  if (signal) {
    const { facts, level, urgent } = signal;
    return { ...incident, facts, level, urgent, absentSince: null, changedAt: level > incident.level ? now : incident.changedAt };
  }
  // Nobody wants to hear more of a rule that was switched off.
  if (!policy.isOn(incident.rule)) return { ...incident, endedAt: now, settled: true };
  const absentSince = incident.absentSince ?? now;
  if (now - absentSince < clearMs(incident.returns)) return { ...incident, absentSince };
  return { ...incident, absentSince, endedAt: absentSince, changedAt: now };
}

/** What has to be said of an incident; null: nothing. */
function dueOf({ rule, endedAt, toldLevel, toldAt, level }: Incident, { remindMs }: Policy, now: number): Telling | null {
  const { isEvent, tellsEnd } = RULES[rule];
  if (toldLevel === null) return endedAt === null || isEvent ? "begin" : "past";
  if (endedAt !== null) return tellsEnd && !isEvent ? "end" : null;
  if (level > toldLevel) return "raise";
  return remindMs > 0 && tellsEnd && now - (toldAt ?? now) >= remindMs ? "remind" : null;
}

const mayBeSent = ({ urgent }: Incident, { isQuiet, urgentInQuiet }: Policy): boolean => !isQuiet || (urgentInQuiet && urgent);

type Told = { incidents: Incident[]; digest: DigestItem[]; sentAt: readonly number[] };

/** Decides what is said now, and settles what is over and said. */
function tell(all: readonly Incident[], before: readonly number[], policy: Policy, now: number): Told {
  const kinds = new Set(all.filter(({ endedAt }) => endedAt === null).map(({ facts }) => facts.kind));
  const dues = new Map<string, DigestItem>();
  const incidents = all.map((incident): Incident => {
    if (incident.settled) return incident;
    const telling = dueOf(incident, policy, now);
    if (telling === null) return incident.endedAt === null ? incident : { ...incident, settled: true };
    if (telling !== "end" && isExplained(incident.rule, kinds)) return { ...incident, covered: true };
    // It lay within another one, of which beginning and end were sent.
    if (telling === "past" && incident.covered) return { ...incident, settled: true };
    if (mayBeSent(incident, policy)) dues.set(incident.id, { incident, telling });
    return incident;
  });
  const sentAt = before.filter((time) => now - time < HOUR_MS && time <= now);
  const digest = isTime([...dues.values()], sentAt, now) ? withReminders(incidents, dues, policy, now) : [];
  if (digest.length === 0) return { incidents, digest, sentAt };
  const said = new Set(digest.map(({ incident }) => incident.id));
  return {
    incidents: incidents.map((incident) => (said.has(incident.id) ? toldOf(incident, now) : incident)),
    digest,
    sentAt: [...sentAt, now],
  };
}

const toldOf = (incident: Incident, now: number): Incident => ({
  ...incident,
  toldAt: now,
  toldLevel: incident.level,
  settled: incident.endedAt !== null,
});

/** Whether what is due has waited for its like, and the last messages are long enough ago. */
function isTime(due: readonly DigestItem[], sentAt: readonly number[], now: number): boolean {
  const urgent = due.some(({ incident, telling }) => incident.urgent && (telling === "begin" || telling === "raise"));
  const ready = due.some(
    ({ incident, telling }) => telling === "remind" || now - incident.changedAt >= (urgent && incident.urgent ? URGENT_WAIT_MS : WAIT_MS),
  );
  const last = sentAt.at(-1);
  const isApart = last === undefined || now - last >= (urgent ? URGENT_GAP_MS : GAP_MS);
  return ready && isApart && sentAt.length < (urgent ? MOST_URGENT_AN_HOUR : MOST_AN_HOUR);
}

/** A reminder takes along what would be reminded of soon. */
function withReminders(incidents: readonly Incident[], dues: ReadonlyMap<string, DigestItem>, policy: Policy, now: number): DigestItem[] {
  const due = [...dues.values()];
  if (!due.some(({ telling }) => telling === "remind")) return due;
  const soon = { ...policy, remindMs: policy.remindMs / 2 };
  const along = incidents
    .filter((one) => !dues.has(one.id) && !one.settled && mayBeSent(one, policy))
    .filter((one) => dueOf(one, soon, now) === "remind");
  const kinds = new Set(incidents.filter(({ endedAt }) => endedAt === null).map(({ facts }) => facts.kind));
  return [...due, ...along.filter(({ rule }) => !isExplained(rule, kinds)).map((incident) => ({ incident, telling: "remind" as const }))];
}

const COMPARED = ["level", "endedAt", "changedAt", "toldAt", "toldLevel", "covered", "settled", "returns"] as const;

function isToBeStored(before: Incident | undefined, after: Incident, now: number): boolean {
  if (!before || COMPARED.some((name) => before[name] !== after[name])) return true;
  return now - before.savedAt >= SAVE_MS && !Bun.deepEquals(before.facts, after.facts);
}
