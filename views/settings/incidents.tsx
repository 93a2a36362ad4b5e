// Incidents: what happened, when and for how long, as rows with a bar of the last seven days.
import type { Incident } from "../../src/gateway/alerts/incidents.ts";
import { Badge } from "../ui/controls.tsx";
import { Time } from "../ui/figures.tsx";
import { formatDuration } from "../ui/format.ts";
import type { View } from "../ui/view.ts";
import { alertFormat } from "./alert-format.ts";

type IncidentsProps = {
  view: View;
  incidents: readonly Incident[];
  /** The page of all of them, not the box of the last week. */
  isWhole?: boolean;
};

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** Narrower bars cannot be seen. */
const LEAST_WIDTH = 1;

export function Incidents({ view, incidents, isWhole }: IncidentsProps) {
  const { alerts } = view.t;
  return (
    <section class="box" aria-labelledby="incidents">
      {!isWhole && (
        <header>
          <h2 id="incidents">{alerts.incidents}</h2>
          <span class="soft">{alerts.incidentsAbout}</span>
          <a class="push" href="/admin/settings/alerts/incidents">
            {alerts.all}
          </a>
        </header>
      )}
      {isWhole && (
        <h2 id="incidents" class="unseen">
          {alerts.incidents}
        </h2>
      )}
      {incidents.length === 0 ? (
        <p class="soft">{isWhole ? alerts.none : alerts.noIncidents}</p>
      ) : (
        <ul>
          {incidents.map((incident) => (
            <IncidentRow key={incident.id} view={view} incident={incident} />
          ))}
        </ul>
      )}
    </section>
  );
}

function IncidentRow({ view, incident }: { view: View; incident: Incident }) {
  const { words } = view.t.alerts;
  const format = alertFormat(view);
  const { beganAt, endedAt, facts } = incident;
  const isOpen = endedAt === null;
  const start = Math.max(0, 100 * (1 - (view.now - beganAt) / WEEK_MS));
  const end = isOpen ? 100 : Math.max(0, 100 * (1 - (view.now - endedAt) / WEEK_MS));
  return (
    <li class="inc" id={incident.id}>
      <span class="nw">
        <Time view={view} value={beganAt} />
      </span>
      <span>
        <b>{words.headline(facts, format)}</b> <span class="soft">{words.detail(facts, format)}</span>
      </span>
      <svg class={isOpen ? "bar bad" : "bar"} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        {end > 0 && <rect x={Math.min(start, 100 - LEAST_WIDTH)} width={Math.max(end - start, LEAST_WIDTH)} height="8" />}
      </svg>
      <IncidentState view={view} incident={incident} />
    </li>
  );
}

function IncidentState({ view, incident: { beganAt, endedAt } }: { view: View; incident: Incident }) {
  const { alerts } = view.t;
  if (endedAt === null) return <Badge tone="bad">{alerts.open}</Badge>;
  return <Badge tone="ok">{endedAt === beganAt ? alerts.event : formatDuration(endedAt - beganAt)}</Badge>;
}
