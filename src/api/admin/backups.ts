// Admin API: scheduled backups: when the next one is made, how the last one went, those in their place, one at once.
import { t } from "elysia";
import type { LastBackup } from "../../gateway/backups/backups.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, isoOf, isoOrNull, route, TIME } from "./route.ts";
import { orNull, whole } from "./schemas.ts";

const LAST = t.Object({
  at: TIME,
  ok: t.Boolean(),
  name: orNull(t.String()),
  bytes: whole(),
  error: orNull(t.String()),
});

const showLast = ({ at, ok, name, bytes, error }: LastBackup) => ({ at: isoOf(at), ok, name: name || null, bytes, error });

const BACKUPS = t.Object({
  place: t.String({ description: "Folder, or bucket and prefix" }),
  next_at: orNull(TIME),
  made_at: orNull(t.String({ format: "date-time", description: "Of the last one that was made, downloads included" })),
  running: t.Boolean(),
  last: orNull(LAST),
  stored: t.Array(t.Object({ name: t.String(), bytes: whole(), at: TIME }), { description: "Those in their place, newest first" }),
});

export function backupRoutes({ backups, maintenance, audit }: AdminApiContext): ApiRoute[] {
  return [
    route({
      ...{ method: "GET", path: "/backups", tag: "Backup", summary: "Scheduled backups" },
      description: "When they are made and how many are retained are the settings `backup.every_hours`, `backup.hour` and `backup.keep`.",
      response: BACKUPS,
      async run() {
        const { place, nextAt, madeAt, isRunning, last } = backups.state();
        const stored = maintenance.isShared ? [] : await backups.list();
        return {
          ...{ place, next_at: isoOrNull(nextAt), made_at: isoOrNull(madeAt), running: isRunning, last: last && showLast(last) },
          stored: stored.map(({ name, bytes, at }) => ({ name, bytes, at: isoOf(at) })),
        };
      },
    }),
    route({
      ...{ method: "POST", path: "/backups/run", tag: "Backup", summary: "Make a scheduled backup now, and wait for it" },
      response: LAST,
      async run({ by }) {
        const made = await backups.run();
        const { ok, name, bytes, error } = made;
        await audit.record({ action: "backup.run", subject: "data", after: { ok, name, bytes, error } }, by);
        return showLast(made);
      },
    }),
  ];
}
