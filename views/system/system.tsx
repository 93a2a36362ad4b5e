// System page: health checks, self-test, data, log, audit log, versions and licences.
import type { AuditRow } from "../../src/db/admin.ts";
import type { FolderSizes } from "../../src/gateway/reports/maintenance.ts";
import type { CheckResult } from "../../src/gateway/reports/self-test.ts";
import { Badge, type BadgeTone, Button, Card, LinkButton, Stat, Stats, Tabs } from "../ui/controls.tsx";
import { Bytes, Duration, Progress } from "../ui/figures.tsx";
import { ActionButton } from "../ui/form.tsx";
import { formatBytes, formatClock, formatDuration } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { Hint } from "../ui/messages.tsx";
import { Cell, Pager, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { AuditLogTable } from "./audit-table.tsx";
import { NodesPanel, type NodeView } from "./nodes.tsx";
import { VendorNews, type VendorNewsRow } from "./vendor-news.tsx";

type TabName = keyof View["t"]["system"]["tabs"];
const PATHS: Record<TabName, string> = {
  health: "/admin/system",
  backup: "/admin/system/backup",
  logs: "/admin/system/logs",
  trail: "/admin/system/trail",
  about: "/admin/system/about",
};

/** Title and tabs that the pages about the server share. */
export function SystemHead({ view, current }: { view: View; current: TabName }) {
  const { system } = view.t;
  const tabs = (Object.keys(PATHS) as TabName[]).map((name) => ({
    href: PATHS[name],
    label: system.tabs[name],
    current: name === current,
  }));
  return (
    <>
      <PageHead title={system.title} about={system.about} />
      <Tabs label={system.title} tabs={tabs} />
    </>
  );
}

export type HealthData = {
  version: string;
  startedAt: number;
  /** Of this process. */
  memoryBytes: number;
  sizes: FolderSizes;
  mediaBytes: number;
  /** Zero: no limit. */
  mediaLimitBytes: number;
  checks: readonly CheckResult[];
  news: readonly VendorNewsRow[];
  /** Null: this server is alone on its data. */
  nodes: readonly NodeView[] | null;
};

export function HealthPage({ view, data }: { view: View; data: HealthData }) {
  const { system } = view.t;
  const { version, startedAt, memoryBytes, sizes, checks } = data;
  return (
    <>
      <SystemHead view={view} current="health" />
      <Stats>
        <Stat label={system.version}>{version}</Stat>
        <Stat label={system.uptime} note={system.since(formatClock(startedAt, view))}>
          <Duration value={view.now - startedAt} />
        </Stat>
        <Stat label={system.memory}>
          <Bytes view={view} value={memoryBytes} />
        </Stat>
        <Stat label={system.disk} note={system.ofDisk(formatBytes(sizes.diskBytes, view.locale))}>
          <Bytes view={view} value={sizes.freeBytes} />
        </Stat>
      </Stats>
      {data.nodes && <NodesPanel view={view} nodes={data.nodes} now={view.now} />}
      <Checks view={view} checks={checks} />
      <VendorNews view={view} rows={data.news} />
      <Storage view={view} data={data} />
    </>
  );
}

const CHECK_TONES: Record<CheckResult["state"], BadgeTone> = { ok: "ok", warn: "warn", failed: "bad" };

/** What was checked, and the buttons that check further; replaced by their response. */
export function Checks({
  view,
  checks,
  summary = false,
}: {
  view: View;
  checks: readonly CheckResult[] /** Sums it up. */;
  summary?: boolean;
}) {
  const { system } = view.t;
  const columns = [
    { key: "check", label: system.check },
    { key: "result", label: system.result },
    { key: "took", label: system.took, align: "end" as const },
  ];
  const failed = checks.filter(({ state }) => state !== "ok").length;
  const button = (act: string, label: string, tone?: "primary") => (
    <ActionButton view={view} action="/admin/system/checks" target="#checks" fields={{ act }} small tone={tone}>
      {label}
    </ActionButton>
  );
  return (
    <Card
      id="checks"
      title={system.checks}
      actions={
        <>
          {button("upstreams", system.askUpstreams)}
          {button("all", system.selfTest, "primary")}
        </>
      }
    >
      {summary ? (
        <Hint tone={failed === 0 ? "ok" : "warn"}>{failed === 0 ? system.allWell : system.someFailed(failed)}</Hint>
      ) : (
        <p class="soft hint">{system.selfTestHint}</p>
      )}
      <Table view={view} label={system.checks} columns={columns}>
        {checks.map((check) => (
          <Row
            key={`${check.name} ${check.subject}`}
            view={view}
            id={`check-${check.name}-${(check.subject ?? "").replaceAll(/\W+/g, "-")}`}
          >
            <Cell label={system.check}>
              {system.checkName[check.name]} {check.subject && <code>{check.subject}</code>}
            </Cell>
            <Cell label={system.result}>
              <Badge tone={CHECK_TONES[check.state]}>{system.state[check.state]}</Badge> <Finding view={view} check={check} />
            </Cell>
            <Cell label={system.took} align="end">
              <Duration value={check.ms} />
            </Cell>
          </Row>
        ))}
      </Table>
    </Card>
  );
}

function Finding({ view, check: { name, figure, message } }: { view: View; check: CheckResult }) {
  const { system } = view.t;
  if (message) return <span class="soft">{message}</span>;
  if (figure === null) return null;
  if (name === "disk") return <Bytes view={view} value={figure} />;
  // An upstream reports whole seconds: less than two are none.
  return Math.abs(figure) < 2000 ? null : <span class="soft">{system.clockOff(formatDuration(Math.abs(figure)))}</span>;
}

function Storage({ view, data: { sizes, mediaBytes, mediaLimitBytes } }: { view: View; data: HealthData }) {
  const { system } = view.t;
  const columns = [
    { key: "file", label: system.file },
    { key: "size", label: system.size, align: "end" as const },
  ];
  const use =
    mediaLimitBytes === 0
      ? formatBytes(mediaBytes, view.locale)
      : system.mediaOf(formatBytes(mediaBytes, view.locale), formatBytes(mediaLimitBytes, view.locale));
  return (
    <Card title={system.storage}>
      <p class="hint">
        <a href="/admin/gallery">{system.mediaUse}</a>: <span class="nw">{use}</span>
      </p>
      {mediaLimitBytes > 0 && (
        <p class="hint">
          <Progress value={mediaBytes} max={mediaLimitBytes} label={system.mediaUse} />
        </p>
      )}
      <Table view={view} label={system.storage} columns={columns}>
        {sizes.entries.map(({ name, bytes, isFolder }) => (
          <Row key={name} view={view} id={`file-${name.replaceAll(/\W+/g, "-")}`}>
            <Cell label={system.file}>
              {system.files[name] ?? (isFolder && system.folder)} <code>{name}</code>
            </Cell>
            <Cell label={system.size} align="end">
              <Bytes view={view} value={bytes} />
            </Cell>
          </Row>
        ))}
      </Table>
    </Card>
  );
}

export type AuditLogData = { rows: readonly AuditRow[]; subject: string; isFirst: boolean; next: number | null };

export function AuditLogPage({ view, data: { rows, subject, isFirst, next } }: { view: View; data: AuditLogData }) {
  const { system } = view.t;
  const href = (before: number | null) => {
    const query = new URLSearchParams({ ...(subject ? { subject } : {}), ...(before ? { before: String(before) } : {}) }).toString();
    return query ? `${PATHS.trail}?${query}` : PATHS.trail;
  };
  return (
    <>
      <SystemHead view={view} current="trail" />
      <form class="filters" method="get" action={PATHS.trail}>
        <input
          type="search"
          name="subject"
          value={subject}
          maxLength={200}
          placeholder={`${system.subject}: settings, key 3, token 12`}
          aria-label={system.subject}
          data-search
        />
        <Button small>{view.t.controls.search}</Button>
        {subject && (
          <LinkButton href={PATHS.trail} small tone="quiet">
            {system.trailAll}
          </LinkButton>
        )}
      </form>
      <Card title={subject ? system.trailOf(subject) : undefined}>
        <p class="soft hint">{system.trailAbout}</p>
        <AuditLogTable view={view} entries={rows} />
      </Card>
      <Pager view={view} next={next === null ? null : href(next)} first={isFirst ? null : href(null)} />
    </>
  );
}

export type AboutData = {
  version: string;
  runtime: string;
  platform: string;
  dataDir: string;
  file: string | null;
  libraries: readonly { name: string; version: string; licence: string }[];
};

export function AboutPage({ view, data }: { view: View; data: AboutData }) {
  const { system } = view.t;
  const { version, runtime, platform, dataDir, file, libraries } = data;
  const columns = [
    { key: "name", label: system.library },
    { key: "version", label: system.libraryVersion },
    { key: "licence", label: system.libraryLicence },
  ];
  return (
    <>
      <SystemHead view={view} current="about" />
      <Card title={system.program}>
        <dl class="facts">
          <dt>{system.version}</dt>
          <dd>flow2api {version}</dd>
          <dt>{system.runtime}</dt>
          <dd>{runtime}</dd>
          <dt>{system.platform}</dt>
          <dd>{platform}</dd>
          <dt>{system.dataFolder}</dt>
          <dd>
            <code>{dataDir}</code>
          </dd>
          <dt>{system.settingsFile}</dt>
          <dd>{file ? <code>{file}</code> : <span class="soft">{system.noFileRead}</span>}</dd>
        </dl>
        <p class="hint-after">
          {system.licence} <a href="/admin/account">{system.sessionsLink}</a>
        </p>
      </Card>
      <Card
        title={system.libraries}
        actions={
          <LinkButton href={view.assets["licences.txt"]} small>
            {system.licenceTexts}
          </LinkButton>
        }
      >
        <Table view={view} label={system.libraries} columns={columns}>
          {libraries.map((library) => (
            <Row key={library.name} view={view} id={`library-${library.name.replaceAll(/\W+/g, "-")}`}>
              <Cell label={system.library}>{library.name}</Cell>
              <Cell label={system.libraryVersion}>
                <span class="nw">{library.version}</span>
              </Cell>
              <Cell label={system.libraryLicence}>{library.licence}</Cell>
            </Row>
          ))}
        </Table>
      </Card>
    </>
  );
}
