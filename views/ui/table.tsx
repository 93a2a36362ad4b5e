// Tables: sortable headers, keyboard rows, keyset pagination, filters, actions on selected rows.
import type { ComponentChildren } from "preact";
import { Button, buttonClass, type Extra } from "./controls.tsx";
import { Form } from "./form.tsx";
import { Icon } from "./icon.tsx";
import type { View } from "./view.ts";

type Children = { children?: ComponentChildren };

export type Column = {
  key: string;
  label: string;
  /** Figures stand at the end. */
  align?: "start" | "end";
  /** The column can be sorted by, figures the most first; see {@link Sorting}. */
  sortable?: boolean;
  /** Only for who cannot see the table: a column of buttons. */
  hidden?: boolean;
};

export type Sorting = { by: string; descending: boolean; href(by: string, descending: boolean): string };

type TableProps = Children & {
  view: View;
  /** What the rows are, for who cannot see them. */
  label: string;
  columns: readonly Column[];
  sorting?: Sorting;
  /** Rows can be selected: `Row` gets `select`, and a `BulkBar` stands above. */
  selectable?: boolean;
  /** Of `tbody`, for fragments that add rows. */
  id?: string;
  /** Rows at most, when fragments add some: the last ones leave. */
  most?: number;
  /** On a phone a row has two lines, of the cells with a `place`; else it is a small card, its cells named by their column. */
  hasLines?: boolean;
};

export function Table({ view, label, columns, sorting, selectable, id, most, hasLines, children }: TableProps) {
  return (
    <div class={hasLines ? "table two-lines" : "table"}>
      <table>
        <caption class="unseen">{label}</caption>
        <thead>
          <tr>
            {selectable && (
              <th scope="col" class="check">
                <input type="checkbox" data-select-all aria-label={view.t.controls.selectAll} />
              </th>
            )}
            {columns.map((column) => (
              <HeadCell key={column.key} view={view} column={column} sorting={sorting} />
            ))}
          </tr>
        </thead>
        <tbody id={id} data-most={most}>
          {children}
        </tbody>
      </table>
    </div>
  );
}

function HeadCell({ view, column, sorting }: { view: View; column: Column; sorting?: Sorting }) {
  const { key, label, align, sortable, hidden } = column;
  const isCurrent = sorting?.by === key;
  return (
    <th scope="col" class={align} aria-sort={isCurrent ? (sorting.descending ? "descending" : "ascending") : undefined}>
      {sortable && sorting ? (
        <a href={sorting.href(key, isCurrent ? !sorting.descending : align === "end")} title={view.t.controls.sortBy(label)}>
          {label}
        </a>
      ) : (
        <span class={hidden ? "unseen" : undefined}>{label}</span>
      )}
    </th>
  );
}

type RowProps = Children &
  Extra & {
    view: View;
    id: string;
    /** Id that the bulk form is sent, and the row's name for who cannot see it. */
    select?: { id: string | number; name: string };
  };

/** One row, a fragment of its own: `id` is what responses replace. */
export function Row({ view, id, select, children, ...rest }: RowProps) {
  return (
    <tr id={id} data-row tabIndex={-1} {...rest}>
      {select && (
        <td class="check">
          <input
            type="checkbox"
            name="id"
            value={select.id}
            checked={view.form?.values.getAll("id").includes(`${select.id}`)}
            form="bulk"
            data-select
            aria-label={view.t.controls.selectRow(select.name)}
          />
        </td>
      )}
      {children}
    </tr>
  );
}

/** Where a cell stands on a phone: name and state above, what is to know and a figure below. The link of the name covers the row. */
export type Place = "check" | "name" | "state" | "about" | "figure";

type CellProps = Children & {
  /** The column's name, shown on phones. */
  label?: string;
  align?: "end";
  /** Takes what the other columns leave; its text is cut there. */
  gives?: boolean;
  place?: Place;
};

export function Cell({ label, align, gives, place, children }: CellProps) {
  const name = [gives ? "gives" : align, place && (place === "check" ? "check" : `at-${place}`)].filter(Boolean).join(" ");
  return (
    <td class={name || undefined} data-label={label}>
      <div class="cell">{children}</div>
    </td>
  );
}

/** To the rows after these, and back to the first ones. Keyset: no page numbers, no count of all. */
export function Pager({ view, next, first }: { view: View; next: string | null; first: string | null }) {
  if (!next && !first) return null;
  return (
    <nav class="pager" aria-label={view.t.controls.next}>
      {first && (
        <a class="btn s" href={first}>
          {view.t.controls.first}
        </a>
      )}
      {next && (
        <a class="btn s" href={next} rel="next">
          {view.t.controls.next}
        </a>
      )}
    </nav>
  );
}

/**
 * Actions on the selected rows, shown when there are any. Buttons inside have `form="bulk"` by being inside, and `formaction` each its own
 * address. Stands before the table, within one `<div class="selection">`.
 */
export function BulkBar({
  view,
  action,
  plain,
  children,
}: Children & { view: View; action: string /** Some of its acts are downloads. */; plain?: boolean }) {
  return (
    <Form view={view} id="bulk" class="bulk" action={action} plain={plain}>
      <span>
        <span data-selected class="nw" /> {view.t.controls.selected}
      </span>
      {children}
    </Form>
  );
}

type FilterBarProps = Children &
  Extra & { view: View; action: string; query?: string /** What the search box searches. */; searches?: string };

/**
 * Search and filters: a GET form, so that what is shown has an address. The search box is where `/` leads. On a phone the filters are a
 * sheet, opened by the browser's own means.
 */
export function FilterBar({ view, action, query, searches, children, ...rest }: FilterBarProps) {
  const { controls } = view.t;
  const words = searches ?? controls.search;
  return (
    <form class="filters" method="get" action={action} {...rest}>
      {query !== undefined && (
        <input type="search" name="q" value={query} maxLength={200} placeholder={words} aria-label={words} data-search />
      )}
      {children === undefined ? (
        <Button icon="search">{controls.search}</Button>
      ) : (
        <>
          <button type="button" class={`${buttonClass("plain")} phone`} popovertarget="filter-sheet">
            <Icon name="filter" />
            {controls.filters}
          </button>
          <div class="sheet" id="filter-sheet" popover="auto">
            {children}
            <Button icon="search">{controls.search}</Button>
          </div>
        </>
      )}
    </form>
  );
}
