// Deleted tokens: restored one by one or together for 30 days, or erased at once.
import type { TokenRow } from "../../src/domain/token.ts";
import { Button, EmptyState, LinkButton } from "../ui/controls.tsx";
import { Time } from "../ui/figures.tsx";
import { PageHead } from "../ui/layout.tsx";
import { BulkBar, Cell, Pager, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { Lines } from "./token-fields.tsx";

export const DELETED = "/admin/tokens/deleted";

type DeletedProps = {
  view: View;
  rows: readonly TokenRow[];
  /** Cursor of the following ones. */
  next: string | null;
  isFirst: boolean;
  /** Of all pages. */
  total: number;
  /** How long each can be restored, ms. */
  keptMs: number;
};

export function DeletedTokensPage({ view, rows, next, isFirst, total, keptMs }: DeletedProps) {
  const { tokens } = view.t;
  const columns = [
    { key: "label", label: tokens.columns.token },
    { key: "group", label: tokens.columns.group },
    { key: "deleted", label: tokens.deletedAt },
    { key: "until", label: tokens.restorableUntil },
  ];
  return (
    <>
      <PageHead up={{ href: "/admin/tokens", label: tokens.title }} title={tokens.deletedTitle} about={tokens.deletedAbout} />
      {total === 0 ? (
        <EmptyState title={tokens.noneDeleted} action={<LinkButton href="/admin/tokens">{tokens.toList}</LinkButton>} />
      ) : (
        <div class="selection tokens">
          <BulkBar view={view} action={`${DELETED}/restore`}>
            <label class="tiny-toggle">
              <input type="checkbox" name="every" value="on" />
              <span>{tokens.everyDeleted(`${total}`)}</span>
            </label>
            <Button small>{tokens.restore}</Button>
            <Button small tone="danger" formaction={`${DELETED}/erase`}>
              {tokens.erase}
            </Button>
          </BulkBar>
          <Table view={view} label={tokens.deletedTitle} columns={columns} selectable hasLines>
            {rows.map((row) => (
              <Row key={row.id} view={view} id={`deleted-${row.id}`} select={{ id: row.id, name: row.label }}>
                <Cell place="name">
                  <Lines>
                    <span>{row.label}</span>
                    <small class="soft">
                      {row.hint && <span class="mono">…{row.hint}</span>} {row.identity}
                    </small>
                  </Lines>
                </Cell>
                <Cell label={tokens.columns.group} place="about">
                  {row.provider}
                  {row.group !== null && `, ${row.group}`}
                </Cell>
                <Cell label={tokens.deletedAt} place="state">
                  <Time view={view} value={row.deletedAt!} />
                </Cell>
                <Cell label={tokens.restorableUntil} place="figure">
                  <Time view={view} value={row.deletedAt! + keptMs} />
                </Cell>
              </Row>
            ))}
          </Table>
          <Pager
            view={view}
            next={next === null ? null : `${DELETED}?before=${encodeURIComponent(next)}`}
            first={isFirst ? null : DELETED}
          />
        </div>
      )}
    </>
  );
}
