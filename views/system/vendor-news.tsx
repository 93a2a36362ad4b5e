// Table of unknown vendor words (finish reasons, statuses, fields) on the System page.
import { Badge, Card } from "../ui/controls.tsx";
import { Time } from "../ui/figures.tsx";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

/** Times in epoch ms. */
export type VendorNewsRow = {
  provider: string;
  kind: string;
  word: string;
  shape: string;
  count: number;
  firstAt: number;
  lastAt: number;
};

export function VendorNews({ view, rows }: { view: View; rows: readonly VendorNewsRow[] }) {
  const { news } = view.t.system;
  const columns = [
    { key: "word", label: news.word },
    { key: "kind", label: news.where },
    { key: "count", label: news.count, align: "end" as const },
    { key: "first", label: news.first },
    { key: "last", label: news.last },
  ];
  return (
    <Card id="vendor-news" title={news.title}>
      <p class="soft hint">{rows.length === 0 ? news.none : news.about}</p>
      {rows.length > 0 && (
        <Table view={view} label={news.title} columns={columns}>
          {rows.map((row) => (
            <Row
              key={`${row.provider} ${row.kind} ${row.word}`}
              view={view}
              id={`news-${`${row.provider}-${row.kind}-${row.word}`.replaceAll(/\W+/g, "-")}`}
            >
              <Cell label={news.word}>
                <code>{row.word}</code>
                <details>
                  <summary class="soft">{news.shape}</summary>
                  <code>{row.shape}</code>
                </details>
              </Cell>
              <Cell label={news.where}>
                <Badge tone="off">{row.provider}</Badge> {news.kinds[row.kind] ?? row.kind}
              </Cell>
              <Cell label={news.count} align="end">
                <span class="nw">{row.count}</span>
              </Cell>
              <Cell label={news.first}>
                <Time view={view} value={row.firstAt} />
              </Cell>
              <Cell label={news.last}>
                <Time view={view} value={row.lastAt} />
              </Cell>
            </Row>
          ))}
        </Table>
      )}
    </Card>
  );
}
