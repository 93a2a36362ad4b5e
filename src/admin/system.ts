// System routes: health checks, self-test, log, audit log, about.
import { join } from "node:path";
import { Elysia } from "elysia";
import { AuditItems, AuditItemsPage } from "../../views/system/audit-table.tsx";
import { LogLines, LogPage } from "../../views/system/log.tsx";
import { AboutPage, AuditLogPage, Checks, HealthPage } from "../../views/system/system.tsx";
import { SETTINGS } from "../config/settings-keys.ts";
import { AppError } from "../errors.ts";
import { type CheckDependencies, type CheckResult, quickChecks, selfTest, upstreamChecks } from "../gateway/reports/self-test.ts";
import type { LogLevel } from "../log.ts";
import { VERSION } from "../version.ts";
import { backupRoutes, dataDirOf, restoreRoutes } from "./backup.ts";
import type { AdminContext } from "./context.ts";
import libraries from "./licences.json" with { type: "json" };
import { follow } from "./live.ts";
import { nodeRoutes, nodeViews } from "./nodes.ts";
import { changed, fragment, isHtmx, page, readForm } from "./page.ts";

const AUDIT_ROWS = 50;
const MEBIBYTE = 1024 * 1024;

export const systemRoutes = (ctx: AdminContext) =>
  new Elysia()
    .use(healthRoutes(ctx))
    .use(nodeRoutes(ctx))
    .use(backupRoutes(ctx))
    .use(restoreRoutes(ctx))
    .use(logRoutes(ctx))
    .use(aboutRoutes(ctx));

/** Health checks and self-test. */
const healthRoutes = (ctx: AdminContext) => {
  const { maintenance } = ctx;
  const deps: CheckDependencies = { ...ctx, settings: ctx.settings.current, upstreams: upstreamsOf(ctx), proxyHint: ctx.proxyHint };

  const healthPage = async (request: Request, checks: readonly CheckResult[]) => {
    const data = {
      version: VERSION,
      startedAt: ctx.startedAt,
      memoryBytes: process.memoryUsage.rss(),
      sizes: await maintenance.sizes(),
      mediaBytes: ctx.media.totalBytes(),
      mediaLimitBytes: ctx.settings.current().media.max_total_mb * MEBIBYTE,
      checks,
      news: ctx.vendorNews.list(),
      nodes: await nodeViews(ctx),
    };
    return page(ctx, request, (view) => ({ title: view.t.system.title, nav: "system", body: HealthPage({ view, data }) }));
  };

  return new Elysia()
    .get("/system", async ({ request }) => healthPage(request, await quickChecks(deps)))
    .post("/system/checks", async ({ request, server }) => {
      server?.timeout(request, 0);
      const form = await readForm(ctx, request);
      const act = form.choice("act", ["upstreams", "all"]);
      form.check();
      const checks =
        act === "all"
          ? await selfTest(deps, request.signal)
          : [...(await quickChecks(deps)), ...(await upstreamChecks(deps, request.signal))];
      if (!isHtmx(request)) return healthPage(request, checks);
      return changed(ctx, request, { location: "/admin/system", content: (view) => Checks({ view, checks, summary: true }) });
    });
};

/** Subjects of an entry that are shown. */
const AUDIT_ITEMS = 200;

/** The log and the audit log. */
const logRoutes = (ctx: AdminContext) => {
  const { logTail, audit } = ctx;
  return new Elysia()
    .get("/system/audit/:id", async ({ request, params }) => {
      const items = await audit.items(Number(params.id) || 0, AUDIT_ITEMS + 1);
      if (items.length === 0) throw new AppError("not_found", "This entry concerns one thing, or is not there.");
      const data = { items: items.slice(0, AUDIT_ITEMS), more: items.length > AUDIT_ITEMS };
      if (isHtmx(request)) return fragment(ctx, request, (view) => AuditItems({ view, ...data }));
      return page(ctx, request, (view) => ({ title: view.t.account.trailTitle, nav: "system", body: AuditItemsPage({ view, ...data }) }));
    })
    .get("/system/logs", ({ request, query }) => {
      const level = levelOf(query.level);
      const last = logTail.lines().at(-1)?.number ?? 0;
      const lines = logTail.lines({ level });
      return page(ctx, request, (view) => ({ title: view.t.system.tabs.logs, nav: "system", body: LogPage({ view, lines, level, last }) }));
    })
    .get("/events/log", ({ request, server, query }) =>
      follow(ctx, { request, server }, (view, seen) => {
        const lines = logTail.lines({ after: Number(seen ?? query.after ?? 0) || 0, level: levelOf(query.level) });
        const last = lines.at(-1);
        return last ? { id: String(last.number), content: LogLines({ view, lines }) } : null;
      }),
    )

    .get("/system/trail", async ({ request, query }) => {
      const subject = textOf(query.subject).trim();
      const before = Number(textOf(query.before)) || undefined;
      const rows = await audit.list({ limit: AUDIT_ROWS + 1, before, ...(subject ? { subject } : {}) });
      const shown = rows.slice(0, AUDIT_ROWS);
      const next = rows.length > AUDIT_ROWS ? shown.at(-1)!.id : null;
      const data = { rows: shown, subject, isFirst: before === undefined, next };
      return page(ctx, request, (view) => ({ title: view.t.system.tabs.trail, nav: "system", body: AuditLogPage({ view, data }) }));
    });
};

/** Versions and licences. */
const aboutRoutes = (ctx: AdminContext) =>
  new Elysia().get("/system/about", ({ request }) => {
    const data = {
      version: VERSION,
      runtime: `Bun ${Bun.version}`,
      platform: `${process.platform} ${process.arch}`,
      dataDir: join(dataDirOf(ctx)),
      file: ctx.config.file,
      libraries,
    };
    return page(ctx, request, (view) => ({ title: view.t.system.tabs.about, nav: "system", body: AboutPage({ view, data }) }));
  });

const textOf = (value: unknown): string => (typeof value === "string" ? value.slice(0, 200) : "");

const LEVELS = ["debug", "info", "warn", "error"] as const satisfies readonly LogLevel[];
const levelOf = (value: unknown): LogLevel => LEVELS.find((level) => level === value) ?? "debug";

/** Where Vertex is called unless a token or the settings say otherwise. */
const VERTEX_URL = "https://aiplatform.googleapis.com";

/** Base URLs of the upstreams in the settings, one per host; empty: Google's own hosts, which differ by location. */
function upstreamsOf({ config }: AdminContext): string[] {
  const urls = SETTINGS.filter(({ name }) => name === "base_url" || name.endsWith("_base_url")).map(
    ({ section, name }) => ((config.settings[section] as Record<string, unknown>)[name] as string) || VERTEX_URL,
  );
  return [...new Map(urls.map((url) => [new URL(url).host, url])).values()];
}
