// Admin API: settings with their origins, changes, undo. Secrets are written and never read.
import { t } from "elysia";
import { AppError } from "../../errors.ts";
import { createSettingsAdmin, type SettingState } from "../../gateway/settings/manage-settings.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, isoOrNull, route, TIME } from "./route.ts";
import { oneOf, orNull, whole } from "./schemas.ts";

const VALUE = orNull(t.Union([t.String(), t.Number(), t.Boolean(), t.Array(t.String())]));

const SETTING = t.Object({
  key: t.String(),
  description: t.String(),
  expected: t.String(),
  secret: t.Boolean(),
  value: VALUE,
  is_set: t.Boolean({ description: "Of a secret: whether it is set" }),
  default: VALUE,
  origin: t.String({ description: "default, file, database, environment or flag" }),
  locked: orNull(oneOf(["boot", "environment", "flag"])),
});

const show = (state: SettingState) => ({
  ...{ key: state.key, description: state.description, expected: state.expected, secret: state.secret },
  ...{ value: state.secret ? null : state.value, is_set: state.isSet, default: state.secret ? null : state.default },
  ...{ origin: state.origin, locked: state.locked },
});

const LAST_CHANGE = orNull(t.Object({ at: TIME, keys: t.Array(t.String()) }));
const SETTINGS = t.Object({
  data: t.Array(SETTING),
  revision: whole({ description: "Rises with every change; give it with a change to be refused after another's" }),
  last_change: LAST_CHANGE,
});

export function settingRoutes(ctx: AdminApiContext): ApiRoute[] {
  const admin = createSettingsAdmin({ ...ctx, now: ctx.clock.now });
  const all = async () => {
    const last = await admin.lastChange();
    return {
      data: (await admin.states()).map(show),
      revision: (await ctx.store.revisions()).settings,
      last_change: last && { at: isoOrNull(last.at), keys: last.names },
    };
  };
  return [
    route({
      ...{ method: "GET", path: "/settings", tag: "Settings", summary: "All settings, with their origin" },
      response: SETTINGS,
      run: all,
    }),
    route({
      ...{ method: "PATCH", path: "/settings", tag: "Settings", summary: "Change settings; null goes back to the layer below" },
      body: t.Object({
        values: t.Record(t.String(), VALUE, { description: 'By dotted key, e.g. {"pool.wait_ms": 5000}', minProperties: 1 }),
        revision: t.Optional(whole({ minimum: 0 })),
      }),
      response: SETTINGS,
      async run({ body: { values, revision }, by }) {
        assertKnown(await admin.states(), values);
        await admin.apply(values, by, revision);
        return all();
      },
    }),
    route({
      ...{ method: "POST", path: "/settings/undo", tag: "Settings", summary: "Put back what the last change replaced" },
      response: SETTINGS,
      async run({ by }) {
        await admin.undo(by);
        return all();
      },
    }),
  ];
}

/** Names the key that is wrong, before anything is written. */
function assertKnown(states: readonly SettingState[], values: Record<string, unknown>): void {
  for (const key of Object.keys(values)) {
    const state = states.find((one) => one.key === key);
    const refuse = (message: string, reason: string) =>
      new AppError("invalid_request", message, { param: `values.${key}`.slice(0, 120), reason });
    if (!state) throw refuse(`There is no setting ${JSON.stringify(key.slice(0, 80))}.`, "unknown_setting");
    if (state.locked === "boot") throw refuse(`${key} is read at start: set it in the settings file or the environment.`, "locked");
    if (state.locked) throw refuse(`${key} is set by the ${state.locked === "flag" ? "command line" : "environment"}.`, "locked");
  }
}
