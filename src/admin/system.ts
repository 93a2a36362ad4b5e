// System routes: health checks, self-test, backup, restore, log, audit log.
import { join } from "node:path";
import { Elysia } from "elysia";
import { BackupPage, RestartingPage, RestorePage } from "../../views/system/backup.tsx";
import { LogLines, LogPage } from "../../views/system/log.tsx";
import { AboutPage, AuditLogPage, Checks, HealthPage } from "../../views/system/system.tsx";
import { SETTINGS } from "../config/settings-keys.ts";
import { type CheckDependencies, type CheckResult, quickChecks, selfTest, upstreamChecks } from "../gateway/reports/self-test.ts";
import type { LogLevel } from "../log.ts";
import { VERSION } from "../version.ts";
import type { AdminContext } from "./context.ts";
import { MAX_FILE_MB } from "./forms.ts";
import libraries from "./licences.json" with { type: "json" };
import { follow } from "./live.ts";
import { changed, goTo, isHtmx, page, readForm, viewOf } from "./page.ts";

const BACKUP = "/admin/system/backup";
const RESTORE = "/admin/system/restore";
const RESTARTING = "/admin/system/restarting";
/** Delay of the restart, in which the page about it is fetched, ms; and delay of that page's reload, s. */
const RESTART_MS = 1_500;
const RELOAD_S = 6;
const AUDIT_ROWS = 50;
const MEBIBYTE = 1024 * 1024;

export const systemRoutes = (ctx: AdminContext) =>
  new Elysia().use(healthRoutes(ctx)).use(backupRoutes(ctx)).use(restoreRoutes(ctx)).use(logRoutes(ctx)).use(aboutRoutes(ctx));

const dataDirOf = (ctx: AdminContext): string => ctx.config.settings.storage.data_dir;

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
      return changed(ctx, request, { location: "/admin/system", content: (view) => Checks({ view, checks, told: true }) });
    });
};

/** Backup, and rotation of the secret key. */
const backupRoutes = (ctx: AdminContext) => {
  const { maintenance, audit } = ctx;
  return new Elysia()
    .get("/system/backup", ({ request }) => {
      const data = {
        dataDir: dataDirOf(ctx),
        uploadBytes: Math.min(MAX_FILE_MB, ctx.settings.current().server.body_limit_mb) * MEBIBYTE,
        staged: maintenance.stagedRestore(),
        applied: maintenance.appliedRestore(),
        isRotationAsked: maintenance.isRotationAsked(),
        keyInEnvironment: keyInEnvironment(),
      };
      return page(ctx, request, (view) => ({ title: view.t.system.tabs.backup, nav: "system", body: BackupPage({ view, data }) }));
    })
    .post("/system/backup", async ({ request, server }) => {
      server?.timeout(request, 0);
      const form = await readForm(ctx, request);
      const content = { requests: form.flag("requests"), media: form.flag("media") };
      const { name, bytes, body } = await maintenance.backup(content);
      await audit.record({ action: "backup.download", subject: "data", after: { ...content, bytes } }, ctx.sessionContextOf(request));
      return new Response(body, {
        headers: {
          "content-type": "application/x-tar",
          "content-length": String(bytes),
          "content-disposition": `attachment; filename="${name}"`,
          "cache-control": "no-store",
        },
      });
    })
    .post("/system/rotation", async ({ request }) => {
      const form = await readForm(ctx, request);
      const isWanted = form.flag("wanted");
      const { system } = viewOf(ctx, request).t;
      if (isWanted && keyInEnvironment()) return goTo(ctx, request, BACKUP, { text: system.rotateByHand, tone: "bad" });
      maintenance.askRotation(isWanted);
      await audit.record({ action: isWanted ? "secret.rotate.ask" : "secret.rotate.drop", subject: "data" }, ctx.sessionContextOf(request));
      return goTo(ctx, request, BACKUP, { text: isWanted ? system.rotateAsked : system.rotateDropped });
    });
};

/** Restore in two steps: upload and check, then restore at the next start. */
const restoreRoutes = (ctx: AdminContext) => {
  const { maintenance, audit } = ctx;
  return new Elysia()
    .post("/system/restore", async ({ request, server }) => {
      server?.timeout(request, 0);
      const { system } = viewOf(ctx, request).t;
      const { files } = await ctx.forms.files(request);
      const file = files.find(({ field, draft }) => field === "backup" && draft.bytes > 0);
      if (!file) return goTo(ctx, request, BACKUP, { text: system.noFile, tone: "bad" });
      const { holds } = await maintenance.stageRestore(file.draft);
      await audit.record({ action: "restore.stage", subject: "data", after: { holds } }, ctx.sessionContextOf(request));
      return goTo(ctx, request, RESTORE, { text: system.restoreStaged(holds.join(", ")) });
    })
    .get("/system/restore", ({ request }) => {
      const staged = maintenance.stagedRestore();
      if (!staged) return goTo(ctx, request, BACKUP);
      const data = { staged, differences: maintenance.differences(), canRestart: maintenance.restart !== null, dataDir: dataDirOf(ctx) };
      return page(ctx, request, (view) => ({ title: view.t.system.restoreTitle, nav: "system", body: RestorePage({ view, data }) }));
    })
    .post("/system/restore/now", async ({ request }) => {
      const staged = maintenance.stagedRestore();
      const { restart } = maintenance;
      const { system } = viewOf(ctx, request).t;
      if (!staged) return goTo(ctx, request, BACKUP, { text: system.nothingStaged, tone: "bad" });
      if (!restart) return goTo(ctx, request, RESTORE, { text: system.restartByHand, tone: "bad" });
      await audit.record({ action: "restore.now", subject: "data", after: { holds: staged.holds } }, ctx.sessionContextOf(request));
      ctx.clock.after(RESTART_MS, restart);
      if (isHtmx(request)) return new Response(null, { status: 204, headers: { "hx-redirect": RESTARTING } });
      return new Response(null, { status: 303, headers: { location: RESTARTING } });
    })
    .get("/system/restarting", ({ request }) =>
      page(ctx, request, (view) => ({
        title: view.t.system.restoreTitle,
        nav: "system",
        headers: { refresh: `${RELOAD_S}; url=${BACKUP}` },
        body: RestartingPage({ view }),
      })),
    )
    .post("/system/restore/seen", ({ request }) => {
      maintenance.acknowledgeRestore();
      return goTo(ctx, request, "/admin");
    })
    .post("/system/restore/drop", async ({ request }) => {
      maintenance.dropStagedRestore();
      await audit.record({ action: "restore.drop", subject: "data" }, ctx.sessionContextOf(request));
      return goTo(ctx, request, BACKUP, { text: viewOf(ctx, request).t.system.restoreDropped });
    });
};

/** The log and the audit log. */
const logRoutes = (ctx: AdminContext) => {
  const { logTail, audit } = ctx;
  return new Elysia()
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

const keyInEnvironment = () => process.env.FLOW2API_SECRET_KEY !== undefined;

const textOf = (value: unknown): string => (typeof value === "string" ? value.slice(0, 200) : "");

const LEVELS = ["debug", "info", "warn", "error"] as const satisfies readonly LogLevel[];
const levelOf = (value: unknown): LogLevel => LEVELS.find((level) => level === value) ?? "debug";

/** Where Vertex is called unless a token or the settings say otherwise. */
const VERTEX_URL = "https://aiplatform.googleapis.com";

/** Base URLs of the upstreams in the settings, one per host; empty: Google's own hosts, which differ by location. */
function upstreamsOf({ config }: AdminContext): string[] {
  const urls = SETTINGS.filter(({ name }) => name.endsWith("base_url")).map(
    ({ section, name }) => ((config.settings[section] as Record<string, unknown>)[name] as string) || VERTEX_URL,
  );
  return [...new Map(urls.map((url) => [new URL(url).host, url])).values()];
}
