// Preview and progress of a token import.

import type { FreshLine, ImportPreview } from "../../src/gateway/tokens/import-preview.ts";
import type { RefusedLine } from "../../src/gateway/tokens/parsed-token.ts";
import { Button, Card, LinkButton, Stat, Stats } from "../ui/controls.tsx";
import { Count, Progress } from "../ui/figures.tsx";
import { Form } from "../ui/form.tsx";
import { formatCount } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { Hint } from "../ui/messages.tsx";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

const More = ({ view, count }: { view: View; count: number }) =>
  count > 0 ? <p class="soft">{view.t.tokens.moreLines(formatCount(count, view.locale))}</p> : null;

const MAX_SHOWN = 100;

export const importHref = (id: string, part = ""): string => `/admin/tokens/imports/${id}${part}`;

function Refused({ view, id, title, lines }: { view: View; id: string; title: string; lines: readonly RefusedLine[] }) {
  const { tokens } = view.t;
  if (lines.length === 0) return null;
  const columns = [
    { key: "line", label: tokens.line },
    { key: "why", label: tokens.why },
  ];
  return (
    <Card title={`${title}: ${formatCount(lines.length, view.locale)}`} id={id}>
      <Table view={view} label={title} columns={columns}>
        {lines.slice(0, MAX_SHOWN).map(({ line, reason }) => (
          <Row key={line} view={view} id={`${id}-${line}`}>
            <Cell label={tokens.line}>
              <Count view={view} value={line} />
            </Cell>
            <Cell label={tokens.why}>{tokens.importReason(reason)}</Cell>
          </Row>
        ))}
      </Table>
      <More view={view} count={lines.length - MAX_SHOWN} />
    </Card>
  );
}

function Fresh({ view, lines, total }: { view: View; lines: readonly FreshLine[]; total: number }) {
  const { tokens } = view.t;
  if (lines.length === 0) return null;
  const columns = [
    { key: "line", label: tokens.line },
    { key: "provider", label: tokens.provider },
    { key: "label", label: tokens.fields.label },
    { key: "hint", label: tokens.endsWith },
    { key: "account", label: tokens.account },
    { key: "group", label: tokens.group },
  ];
  return (
    <Card title={`${tokens.fresh}: ${formatCount(total, view.locale)}`} id="fresh">
      <Table view={view} label={tokens.fresh} columns={columns}>
        {lines.map(({ line, provider, label, identity, group, hint }) => (
          <Row key={line} view={view} id={`fresh-${line}`}>
            <Cell label={tokens.line}>
              <Count view={view} value={line} />
            </Cell>
            <Cell label={tokens.provider}>{provider}</Cell>
            {[
              { label: tokens.fields.label, value: label },
              { label: tokens.endsWith, value: hint && `…${hint}` },
              { label: tokens.account, value: identity },
              { label: tokens.group, value: group },
            ].map((cell) => (
              <Cell key={cell.label} label={cell.label}>
                <span class="cut" title={cell.value ?? undefined}>
                  {cell.value}
                </span>
              </Cell>
            ))}
          </Row>
        ))}
      </Table>
      <More view={view} count={total - lines.length} />
    </Card>
  );
}

/** The preview, and from its start the progress. */
export function ImportPreviewPage({ view, preview }: { view: View; preview: ImportPreview }) {
  const { tokens } = view.t;
  if (preview.state === "ready") return <Preview view={view} preview={preview} />;
  const events =
    preview.state === "running"
      ? { "hx-sse:connect": importHref(preview.id, "/events"), "hx-sse:close": "over", "hx-swap": "innerHTML" }
      : {};
  return (
    <>
      <PageHead title={tokens.importTitle} />
      <div {...events}>
        <ImportProgress view={view} preview={preview} />
      </div>
    </>
  );
}

/** Sent again as it changes. */
export function ImportProgress({ view, preview }: { view: View; preview: ImportPreview }) {
  const { tokens } = view.t;
  const { state, done, total, report } = preview;
  const number = (value: number) => formatCount(value, view.locale);
  if (state === "failed") return <Hint tone="warn">{tokens.importFailed}</Hint>;
  if (state === "done")
    return (
      <div id="import-result">
        <Hint tone="ok">
          <strong>{tokens.importDone(number(report.added))}</strong> {tokens.importDoneAbout}
        </Hint>
        <Sums view={view} preview={preview} />
        <Left view={view} preview={preview} />
        <Refused view={view} id="known" title={tokens.known} lines={report.known} />
        <Refused view={view} id="invalid" title={tokens.invalid} lines={report.invalid} />
        <div class="foot">
          <LinkButton href="/admin/tokens" tone="primary">
            {tokens.toList}
          </LinkButton>
          <LinkButton href="/admin/tokens/import">{tokens.import}</LinkButton>
        </div>
      </div>
    );
  return (
    <Card title={tokens.importing}>
      <Progress value={done} max={total} label={tokens.importing} />
      <p class="soft nw">{tokens.importProgress(number(done), number(total))}</p>
      <noscript>
        <p>{tokens.importReload}</p>
      </noscript>
    </Card>
  );
}

function Sums({ view, preview: { report } }: { view: View; preview: ImportPreview }) {
  const { tokens } = view.t;
  return (
    <Stats>
      <Stat label={tokens.fresh}>
        <Count view={view} value={report.added} />
      </Stat>
      <Stat label={tokens.known}>
        <Count view={view} value={report.known.length} />
      </Stat>
      <Stat label={tokens.invalid}>
        <Count view={view} value={report.invalid.length} />
      </Stat>
    </Stats>
  );
}

function Preview({ view, preview }: { view: View; preview: ImportPreview }) {
  const { tokens } = view.t;
  const { report, fresh, total, id } = preview;
  const number = (value: number) => formatCount(value, view.locale);
  return (
    <>
      <PageHead title={tokens.previewTitle} about={tokens.previewAbout(number(total))} />
      <Sums view={view} preview={preview} />
      <Form view={view} action={importHref(id, "/start")} class="foot import-start">
        {report.added > 0 ? <Button tone="primary">{tokens.importNow(number(report.added))}</Button> : <span>{tokens.importNothing}</span>}
        <LinkButton href="/admin/tokens/import">{tokens.importOther}</LinkButton>
      </Form>
      <Left view={view} preview={preview} />
      <Refused view={view} id="invalid" title={tokens.invalid} lines={report.invalid} />
      <Refused view={view} id="known" title={tokens.known} lines={report.known} />
      <Fresh view={view} lines={fresh} total={report.added} />
    </>
  );
}

/** What accounts of python-flow2api hold that is not taken. */
function Left({ view, preview: { report } }: { view: View; preview: ImportPreview }) {
  const { tokens } = view.t;
  if (report.left.length === 0) return null;
  return (
    <Card title={tokens.importLeft}>
      <ul>
        {report.left.map(([kind, count]) => (
          <li key={kind}>{tokens.importLeftOf(tokens.importLeftKinds[kind], formatCount(count, view.locale))}</li>
        ))}
      </ul>
    </Card>
  );
}
