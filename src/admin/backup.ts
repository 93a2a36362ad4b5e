// Backup and restore routes of the admin.

import { Elysia } from "elysia";
import { BackupPage, RestartingPage, RestorePage } from "../../views/system/backup.tsx";
import { AppError } from "../errors.ts";
import { createSettingsAdmin } from "../gateway/settings/manage-settings.ts";
import type { AdminContext } from "./context.ts";
import { MAX_FILE_MB } from "./forms.ts";
import { goTo, isHtmx, page, readForm, viewOf } from "./page.ts";

export const dataDirOf = (ctx: AdminContext): string => ctx.config.settings.storage.data_dir;

const MEBIBYTE = 1024 * 1024;

const keyInEnvironment = () => process.env.FLOW2API_SECRET_KEY !== undefined;

const BACKUP = "/admin/system/backup";
const RESTORE = "/admin/system/restore";
const RESTARTING = "/admin/system/restarting";
/** Delay of the restart, in which the page about it is fetched, ms; and delay of that page's reload, s. */
const RESTART_MS = 1_500;
const RELOAD_S = 6;
async function backupPage(ctx: AdminContext, request: Request) {
  const { maintenance, backups, settings } = ctx;
  const stored = maintenance.isShared
    ? []
    : await backups.list().catch((error) => (error instanceof AppError ? error.message : "Internal error"));
  const data = {
    dataDir: dataDirOf(ctx),
    isShared: maintenance.isShared,
    mediaUrl: maintenance.mediaUrl,
    uploadBytes: Math.min(MAX_FILE_MB, ctx.settings.current().server.body_limit_mb) * MEBIBYTE,
    staged: maintenance.stagedRestore(),
    applied: maintenance.appliedRestore(),
    isRotationAsked: maintenance.isRotationAsked(),
    keyInEnvironment: keyInEnvironment(),
    schedule: { state: backups.state(), settings: settings.current().backup, stored },
  };
  return page(ctx, request, (view) => ({
    title: view.t.system.tabs.backup,
    nav: "system",
    body: BackupPage({ view, data }),
  }));
}

/** Scheduled backups: their settings, and one at once. */
const scheduleRoutes = (ctx: AdminContext) => {
  const { backups, audit, clock } = ctx;
  const admin = createSettingsAdmin({ ...ctx, now: clock.now });
  return new Elysia()
    .post("/system/backup/schedule", async ({ request }) => {
      const { t } = viewOf(ctx, request);
      const form = await readForm(ctx, request);
      const whole = (name: string) => ({ key: `backup.${name}`, text: form.text(name, { max: 20 }) });
      const flag = (name: string) => ({ key: `backup.${name}`, text: String(form.flag(name)) });
      const wanted = [whole("every_hours"), whole("hour"), whole("keep"), flag("requests"), flag("media")];
      const { changes, differences, wrong, revision } = await admin.review(wanted);
      for (const { key, name, expected } of await admin.states())
        if (wrong.includes(key)) form.refuse(name, t.settings.wrong(t.settings.expected(expected)));
      form.check();
      if (differences.length === 0) return goTo(ctx, request, BACKUP, { text: t.backups.unchanged });
      await admin.apply(changes, ctx.sessionContextOf(request), revision);
      return goTo(ctx, request, BACKUP, { text: t.backups.saved, undo: { action: "/admin/settings/undo" } });
    })
    .post("/system/backup/run", async ({ request, server }) => {
      server?.timeout(request, 0);
      const { t } = viewOf(ctx, request);
      const { ok, name, bytes, error } = await backups.run();
      await audit.record({ action: "backup.run", subject: "data", after: { ok, name, bytes, error } }, ctx.sessionContextOf(request));
      return goTo(ctx, request, BACKUP, ok ? { text: t.backups.ran(name) } : { text: t.backups.notRan(error ?? ""), tone: "bad" });
    });
};

/** Backup, and rotation of the secret key. */
export const backupRoutes = (ctx: AdminContext) => {
  const { maintenance, audit } = ctx;
  return new Elysia()
    .use(scheduleRoutes(ctx))
    .get("/system/backup", ({ request }) => backupPage(ctx, request))
    .post("/system/backup", async ({ request, server }) => {
      server?.timeout(request, 0);
      const form = await readForm(ctx, request);
      const content = { requests: form.flag("requests"), media: form.flag("media") };
      const { name, bytes, body } = await maintenance.backup(content);
      await ctx.backups.noteDownload();
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
export const restoreRoutes = (ctx: AdminContext) => {
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
