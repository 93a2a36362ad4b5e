// Audit log as a table: who did what to what, each change as before → after in words; an action on many is one line.

import type { AuditItem, AuditRow } from "../../src/db/admin.ts";
import { EmptyState } from "../ui/controls.tsx";
import { Time } from "../ui/figures.tsx";
import { formatCount } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

/** Changes, newest first; secrets are masked in what they hold. */
export function AuditLogTable({ view, entries }: { view: View; entries: readonly AuditRow[] }) {
  const { account } = view.t;
  if (entries.length === 0) return <EmptyState title={account.trailEmpty} />;
  const columns = [
    { key: "when", label: account.when },
    { key: "who", label: account.who },
    { key: "what", label: account.what },
    { key: "changes", label: account.changes },
  ];
  return (
    <div class="trail">
      <Table view={view} label={account.trailTitle} columns={columns} hasLines>
        {entries.map((row) => (
          <Row key={row.id} view={view} id={`change-${row.id}`}>
            <Cell label={account.when} place="state">
              <Time view={view} value={row.at} />
            </Cell>
            <Cell label={account.who} place="figure">
              <span class="cut" title={row.actor}>
                {row.actor}
              </span>{" "}
              <span class="soft">{row.address}</span>
            </Cell>
            <Cell label={account.what} place="name">
              <span title={row.action}>{account.actions[row.action] ?? row.action}</span>{" "}
              <span class="soft">
                {row.items > 0 ? account.many(formatCount(row.items, view.locale)) : (account.actions[row.subject] ?? row.subject)}
              </span>
            </Cell>
            <Cell label={account.changes} place="about">
              <Difference view={view} before={row.before} after={row.after} />
              {row.items > 0 && <Items view={view} id={row.id} />}
            </Cell>
          </Row>
        ))}
      </Table>
    </div>
  );
}

/** What an action did to each: fetched when it is opened; without JavaScript a page of its own. */
function Items({ view, id }: { view: View; id: number }) {
  const path = `/admin/system/audit/${id}`;
  return (
    <details>
      <summary hx-get={path} hx-target={`#items-${id}`} hx-swap="innerHTML">
        {view.t.account.each}
      </summary>
      <div id={`items-${id}`}>
        <a href={path}>{view.t.account.each}</a>
      </div>
    </details>
  );
}

export function AuditItems({ view, items, more }: { view: View; items: readonly AuditItem[]; more: boolean }) {
  return (
    <ul class="differences">
      {items.map(({ subject, before, after }) => (
        <li key={subject}>
          <strong>{subject}</strong> <Difference view={view} before={before} after={after} />
        </li>
      ))}
      {more && <li class="soft">…</li>}
    </ul>
  );
}

/** The same as a page, where a click is followed without JavaScript. */
export function AuditItemsPage(props: Parameters<typeof AuditItems>[0]) {
  const { account } = props.view.t;
  return (
    <>
      <PageHead up={{ href: "/admin/system/trail", label: account.trailTitle }} title={account.trailTitle} />
      <section class="box">
        <AuditItems {...props} />
      </section>
    </>
  );
}

/** Each field that changed: `Weight 1 → 2`. Of something new only what is not as it is by itself. */
function Difference({ view, before, after }: { view: View; before: unknown; after: unknown }) {
  const { account } = view.t;
  const [then, now] = [fieldsOf(before), fieldsOf(after)];
  const isNew = before === null && then.size === 0;
  const names = [...new Set([...then.keys(), ...now.keys()])].filter((name) => !(isNew && isPlain(name, now.get(name))));
  if (names.length === 0) return null;
  const shown = (value: unknown) => valueText(value, account.values);
  return (
    <div class="differences">
      {names.map((name) => (
        <span key={name}>
          {name !== "" && <span class="soft">{nameText(name, account.fields)} </span>}
          {then.has(name) && <del>{shown(then.get(name))}</del>}
          {then.has(name) && now.has(name) && " → "}
          {now.has(name) && <ins>{shown(now.get(name))}</ins>}
        </span>
      ))}
    </div>
  );
}

/** What a new thing has by itself. */
const isPlain = (name: string, value: unknown): boolean =>
  value === null ||
  value === "" ||
  value === true ||
  (name === "weight" && value === 1) ||
  (name === "priority" && value === 0) ||
  (Array.isArray(value) && value.length === 0);

/** A record by its fields, those of records in it by both names; anything else under no name. */
function fieldsOf(value: unknown, prefix = ""): Map<string, unknown> {
  if (value === null && prefix === "") return new Map();
  if (typeof value !== "object" || value === null || Array.isArray(value)) return new Map([[prefix, value]]);
  return new Map(Object.entries(value).flatMap(([name, one]) => [...fieldsOf(one, prefix === "" ? name : `${prefix}.${name}`)]));
}

/** `imageConcurrency` → "Images at once"; a name that has no words: its own, with spaces. */
function nameText(name: string, fields: Record<string, string>): string {
  const words = (part: string) =>
    fields[part] ??
    part
      .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
      .replaceAll("_", " ")
      .toLowerCase();
  return fields[name] ?? name.split(".").map(words).join(", ");
}

function valueText(value: unknown, words: { on: string; off: string; none: string }): string {
  if (value === true) return words.on;
  if (value === false) return words.off;
  if (value === null || value === undefined || value === "") return words.none;
  if (Array.isArray(value))
    return value.length === 0
      ? words.none
      : value
          .map((one) => valueText(one, words))
          .join(", ")
          .slice(0, 200);
  return (typeof value === "object" ? JSON.stringify(value) : String(value)).slice(0, 200);
}
