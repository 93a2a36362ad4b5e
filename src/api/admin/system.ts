// Admin API: overview, audit log, backup and restore.
import { t } from "elysia";
import type { AuditRow } from "../../db/admin.ts";
import { AppError } from "../../errors.ts";
import { readSummary } from "../../gateway/reports/summary.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, isoOf, isoOrNull, numberOf, PAGE_ROWS, PAGING, pageOf, route, TIME } from "./route.ts";
import { ANYTHING, orNull, showUsage, USAGE_FIELDS, whole } from "./schemas.ts";

const BY_KIND = t.Object({ image: whole(), video: whole() });

const OVERVIEW = t.Object({
  in_flight: BY_KIND,
  queued: whole(),
  tokens: t.Object({ healthy: whole(), cooling: whole(), blocked: whole(), disabled: whole() }),
  jobs: t.Object({ waiting: whole(), running: whole(), unknown: whole() }),
  needs: t.Array(
    t.Object({
      id: t.String({ description: "The same for as long as it lasts" }),
      kind: t.String(),
      level: t.String({ description: "`bad`: something cannot be generated, or money is at stake; `warn`: the rest" }),
      since: orNull(TIME),
    }),
    { description: "What needs the operator, worst first" },
  ),
  today: t.Object(USAGE_FIELDS),
  month: t.Object(USAGE_FIELDS),
});

const AUDIT = t.Object({
  id: whole(),
  at: TIME,
  actor: t.String(),
  address: orNull(t.String()),
  action: t.String(),
  subject: t.String(),
  before: ANYTHING,
  after: ANYTHING,
  items: whole({ description: "Subjects that it concerned at once; 0: the one that is named" }),
});

const showAudit = ({ at, ...row }: AuditRow) => ({ ...row, at: isoOf(at) });

export const systemRoutes = (ctx: AdminApiContext): ApiRoute[] => [
  route({
    ...{ method: "GET", path: "/overview", tag: "System", summary: "What runs now, what needs the operator, sums of today and 30 days" },
    response: OVERVIEW,
    async run() {
      const { needs, today, month, ...now } = await readSummary({ ...ctx, settings: ctx.settings.current, now: ctx.clock.now });
      return {
        ...{ in_flight: now.inFlight, queued: now.queued, tokens: now.tokens, jobs: now.jobs },
        needs: needs.map(({ id, kind, level, since }) => ({ id, kind, level, since: isoOrNull(since) })),
        ...{ today: showUsage(today), month: showUsage(month) },
      };
    },
  }),
  route({
    ...{ method: "GET", path: "/audit", tag: "System", summary: "The audit log, newest first" },
    query: t.Object({ ...PAGING, subject: t.Optional(t.String({ minLength: 1, maxLength: 200, description: "e.g. `key 3`" })) }),
    response: pageOf(AUDIT),
    async run({ query: { limit = PAGE_ROWS, cursor, subject } }) {
      const rows = await ctx.audit.list({ limit: limit + 1, before: numberOf(cursor), subject });
      const data = rows.slice(0, limit);
      return { data: data.map(showAudit), next: rows.length > limit ? `${data.at(-1)!.id}` : null };
    },
  }),
  ...backupFileRoutes(ctx),
];

const RESTORE = t.Object({
  staged: orNull(
    t.Object(
      { staged_at: TIME, expires_at: TIME, backup_at: orNull(TIME), holds: t.Array(t.String()) },
      { description: "Waits for the next start" },
    ),
  ),
  differences: t.Array(t.Object({ table: t.String(), lost: whole(), back: whole() }), {
    description: "Rows that the restore would take away, and bring back",
  }),
  can_restart: t.Boolean({ description: "POST /restore/now works; else whoever started the server restarts it" }),
});

const RESTART_MS = 500;

function backupFileRoutes(ctx: AdminApiContext): ApiRoute[] {
  const { maintenance, audit, media, bodies } = ctx;
  const state = () => {
    const staged = maintenance.stagedRestore();
    return {
      staged: staged && {
        ...{ staged_at: isoOf(staged.stagedAt), expires_at: isoOf(staged.expiresAt), backup_at: isoOrNull(staged.backupAt) },
        holds: staged.holds,
      },
      differences: staged ? maintenance.differences() : [],
      can_restart: maintenance.restart !== null,
    };
  };
  return [
    route({
      ...{ method: "POST", path: "/backup", tag: "Backup", summary: "Make a backup and download it; it never holds the secret key" },
      body: t.Object({ requests: t.Optional(t.Boolean()), media: t.Optional(t.Boolean()) }),
      response: { type: "application/x-tar" },
      async run({ body, by }) {
        const content = { requests: body.requests ?? false, media: body.media ?? false };
        const { name, bytes, body: stream } = await maintenance.backup(content);
        await ctx.backups.noteDownload();
        await audit.record({ action: "backup.download", subject: "data", after: { ...content, bytes } }, by);
        return new Response(stream, {
          headers: {
            "content-type": "application/x-tar",
            "content-length": String(bytes),
            "content-disposition": `attachment; filename="${name}"`,
            "cache-control": "no-store",
          },
        });
      },
    }),
    route({
      ...{ method: "GET", path: "/restore", tag: "Backup", summary: "The restore that waits, and what it would change" },
      response: RESTORE,
      run: state,
    }),
    route({
      ...{ method: "POST", path: "/restore", tag: "Backup", summary: "Upload a backup; it is checked and put in place at the next start" },
      upload: { type: "application/x-tar" },
      response: RESTORE,
      async run({ request, by }) {
        const writer = await media.openTempFile("application/x-tar");
        try {
          for await (const piece of bodies.stream(request)) await writer.write(piece);
        } catch (error) {
          await writer.discard();
          throw error;
        }
        const file = await writer.close();
        try {
          if (file.bytes === 0) throw new AppError("invalid_request", "The body must be a backup, got nothing.", { reason: "no_file" });
          const { holds } = await maintenance.stageRestore(file);
          await audit.record({ action: "restore.stage", subject: "data", after: { holds } }, by);
        } finally {
          await media.discard(file);
        }
        return state();
      },
    }),
    route({
      ...{ method: "DELETE", path: "/restore", tag: "Backup", summary: "Drop the restore that waits" },
      response: RESTORE,
      async run({ by }) {
        maintenance.dropStagedRestore();
        await audit.record({ action: "restore.drop", subject: "data" }, by);
        return state();
      },
    }),
    route({
      ...{ method: "POST", path: "/restore/now", tag: "Backup", summary: "Restart now, so that the restore takes place" },
      status: 202,
      response: t.Object({ restarting: t.Literal(true) }),
      async run({ by }) {
        const staged = maintenance.stagedRestore();
        if (!staged) throw new AppError("conflict", "No restore waits: upload a backup first.", { reason: "nothing_staged" });
        if (!maintenance.restart) throw new AppError("conflict", "This server does not restart itself: restart it where it was started.");
        await audit.record({ action: "restore.now", subject: "data", after: { holds: staged.holds } }, by);
        ctx.clock.after(RESTART_MS, maintenance.restart);
        return { restarting: true };
      },
    }),
  ];
}
