// Incidents as rows of the store and back.
import type { IncidentRow } from "../../db/alerts.ts";
import type { Json } from "../../domain/generation.ts";
import { isRecord } from "../../domain/is-record.ts";
import { omit } from "../../domain/omit.ts";
import { type AlertFacts, isRuleName } from "./facts.ts";
import type { Incident } from "./incidents.ts";

export function toRow(incident: Incident): IncidentRow {
  const { id, rule, subject, beganAt, endedAt, settled } = incident;
  const state = omit(incident, ["id", "rule", "subject", "beganAt", "endedAt", "settled", "absentSince", "savedAt"]);
  return { id, rule, subject, beganAt, endedAt, settled, state: state as unknown as Json };
}

/** Null: a later version wrote it. */
export function fromRow({ id, rule, subject, beganAt, endedAt, settled, state }: IncidentRow): Incident | null {
  if (!isRuleName(rule) || !isRecord(state) || !isRecord(state.facts)) return null;
  const count = (value: unknown, fallback: number) => (typeof value === "number" ? value : fallback);
  const orNull = (value: unknown) => (typeof value === "number" ? value : null);
  return {
    ...{ id, rule, subject, beganAt, endedAt, settled, absentSince: null, savedAt: 0 },
    facts: state.facts as unknown as AlertFacts,
    level: count(state.level, 0),
    urgent: state.urgent === true,
    changedAt: count(state.changedAt, beganAt),
    toldAt: orNull(state.toldAt),
    toldLevel: orNull(state.toldLevel),
    returns: count(state.returns, 0),
    covered: state.covered === true,
  };
}
