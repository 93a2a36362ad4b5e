// Bell of the top bar: how many incidents are open, and a menu of them that opens without JavaScript.
import { alertFormat } from "../settings/alert-format.ts";
import { Time } from "./figures.tsx";
import { Icon } from "./icon.tsx";
import type { View } from "./view.ts";

/** Named in the menu; the page has them all. */
const NAMED = 6;

export function Bell({ view }: { view: View }) {
  const { alerts, shell } = view.t;
  const incidents = view.incidents ?? [];
  const label = alerts.bell(incidents.length);
  return (
    <>
      <button class="icon" id="bell" type="button" popovertarget="bell-menu" aria-label={label} title={shell.bell}>
        <Icon name="bell" />
        {incidents.length > 0 && <sup aria-hidden="true">{incidents.length > 99 ? "99+" : incidents.length}</sup>}
      </button>
      <section class="bell-menu" id="bell-menu" popover="auto" aria-label={alerts.incidents}>
        <h2>{alerts.incidents}</h2>
        {incidents.length === 0 ? (
          <p class="soft">{alerts.bellNone}</p>
        ) : (
          <ul>
            {incidents.slice(0, NAMED).map(({ id, facts, beganAt }) => (
              <li key={id}>
                <b>{alerts.words.headline(facts, alertFormat(view))}</b>{" "}
                <span class="soft">
                  <Time view={view} value={beganAt} />
                </span>
              </li>
            ))}
          </ul>
        )}
        <p class="row">
          <a href="/admin#needs">{view.t.overview.needs}</a>
          <a href="/admin/settings/alerts">{alerts.title}</a>
          <a href="/admin/settings/alerts/incidents">{alerts.all}</a>
        </p>
        <p class="row soft">
          {alerts.add}:
          {Object.entries(alerts.kinds).map(([kind, name]) => (
            <a key={kind} href={`/admin/settings/alerts/channels/new?kind=${kind}`}>
              {name}
            </a>
          ))}
        </p>
      </section>
    </>
  );
}
