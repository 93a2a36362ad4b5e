// Log tab of the System page: newest lines first, filtered by level, live.
import type { TailLine } from "../../src/gateway/reports/log-tail.ts";
import type { LogLevel } from "../../src/log.ts";
import { Badge, type BadgeTone, Card, EmptyState } from "../ui/controls.tsx";
import { Select } from "../ui/fields.tsx";
import { formatExact, formatFine } from "../ui/format.ts";
import type { View } from "../ui/view.ts";
import { SystemHead } from "./system.tsx";

const TONES: Record<LogLevel, BadgeTone> = { debug: "off", info: "busy", warn: "warn", error: "bad" };

type LogProps = { view: View; lines: readonly TailLine[]; level: LogLevel /** Number of the newest line, shown or not. */; last: number };

export function LogPage({ view, lines, level, last }: LogProps) {
  const { system } = view.t;
  const source = `/admin/events/log?${new URLSearchParams({ level, after: String(last) })}`;
  return (
    <>
      <SystemHead view={view} current="logs" />
      <form class="filters" method="get" action="/admin/system/logs">
        <Select
          name="level"
          label={system.level}
          value={level}
          submits
          options={Object.entries(system.levels).map(([value, label]) => ({ value, label }))}
        />
        <button type="submit" class="btn s">
          {system.show}
        </button>
      </form>
      <Card title={system.logTitle}>
        <p class="soft hint">
          {system.logAbout} <a href="/admin/settings?q=log.level">log.level</a>
        </p>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys */}
        <div class="log" role="log" aria-label={system.logTitle} tabIndex={0} {...{ "hx-sse:connect": source }} hx-swap="afterbegin">
          <LogLines view={view} lines={lines} />
          {lines.length === 0 && <EmptyState title={system.logEmpty} />}
        </div>
      </Card>
    </>
  );
}

/** Oldest first in, newest first out. */
export const LogLines = ({ view, lines }: { view: View; lines: readonly TailLine[] }) => (
  <>
    {lines.toReversed().map((line) => (
      <LogLine key={line.number} view={view} line={line} />
    ))}
  </>
);

function LogLine({ view, line: { at, level, message, fields } }: { view: View; line: TailLine }) {
  const rest = Object.entries(fields);
  return (
    <div class="log-line" data-row tabIndex={-1}>
      <time dateTime={new Date(at).toISOString()} title={formatExact(at)}>
        {formatFine(at, view)}
      </time>
      <Badge tone={TONES[level]} title={view.t.system.levels[level]}>
        {level}
      </Badge>
      <span class="log-text">
        {message}
        {rest.map(([name, value]) => (
          <span key={name} class="soft">
            {" "}
            {name}={typeof value === "string" ? value : JSON.stringify(value)}
          </span>
        ))}
      </span>
    </div>
  );
}
