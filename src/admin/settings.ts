// Settings routes: list, review, apply, undo, and write-only secrets.
import { Elysia } from "elysia";
import type { Messages } from "../../views/locales/en.ts";
import type { Typed } from "../../views/settings/setting.tsx";
import { SecretPage, SettingsPage } from "../../views/settings/settings.tsx";
import { ReviewPage } from "../../views/settings/settings-review.tsx";
import { AppError } from "../errors.ts";
import { createSettingsAdmin, type SettingChange, type SettingState, type SettingsAdmin } from "../gateway/settings/manage-settings.ts";
import { newSecretText } from "../ids.ts";
import type { AdminContext } from "./context.ts";
import type { FormReader } from "./forms.ts";
import { goTo, page, readForm, viewOf } from "./page.ts";

const HOME = "/admin/settings";
const MAX_TEXT = 20_000;

export const settingRoutes = (ctx: AdminContext) => {
  const admin = createSettingsAdmin({ ...ctx, now: ctx.clock.now });
  return new Elysia({ prefix: "/settings" }).use(changeRoutes(ctx, admin)).use(secretRoutes(ctx, admin));
};

/** The list, the review of a change, the change and its undo. */
const changeRoutes = (ctx: AdminContext, admin: SettingsAdmin) => {
  const show = async (request: Request, query: string, typed?: Typed) => {
    const { t } = viewOf(ctx, request);
    const states = (await admin.states()).filter((state) => matches(state, query, t));
    const lastChange = await admin.lastChange();
    return page(ctx, request, (view) => ({
      title: view.t.settings.title,
      nav: "settings",
      status: typed ? 422 : 200,
      body: SettingsPage({ view, states, query, lastChange, typed }),
    }));
  };

  return new Elysia()
    .get("/", ({ request, query }) => show(request, typeof query.q === "string" ? query.q.slice(0, 200) : ""))
    .post("/review", async ({ request }) => {
      const form = await readForm(ctx, request);
      const wanted = changesOf(form, await admin.states());
      form.check();
      const { differences, changes, wrong, revision } = await admin.review(wanted);
      if (wrong.length > 0)
        return show(request, "", {
          values: new Map(wanted.flatMap((change) => ("text" in change ? [[change.key, change.text]] : []))),
          wrong,
        });
      if (differences.length === 0) return goTo(ctx, request, HOME, { text: viewOf(ctx, request).t.settings.nothingChanged });
      return page(ctx, request, (view) => ({
        title: view.t.settings.reviewTitle,
        nav: "settings",
        body: ReviewPage({ view, differences, changes, revision }),
      }));
    })
    .post("/apply", async ({ request }) => {
      const { t } = viewOf(ctx, request);
      const form = await readForm(ctx, request);
      const revision = form.whole("revision", { required: true });
      form.check();
      const names = (await admin.states()).map(({ key }) => key).filter((key) => form.has(`set.${key}`));
      const changes = Object.fromEntries(names.map((key) => [key, jsonOf(form.text(`set.${key}`, { max: MAX_TEXT, verbatim: true }))]));
      form.check();
      return orConflict(ctx, request, t.settings.changedMeanwhile, async () => {
        await admin.apply(changes, ctx.sessionContextOf(request), revision!);
        return { text: t.settings.applied(names.length), undo: { action: `${HOME}/undo` } };
      });
    })
    .post("/undo", async ({ request }) => {
      const { t } = viewOf(ctx, request);
      return orConflict(ctx, request, t.settings.nothingToUndo, async () => {
        await admin.undo(ctx.sessionContextOf(request));
        return { text: t.settings.undone, undo: { action: `${HOME}/undo` } };
      });
    });
};

/** Secrets: generated or typed, shown once or never. */
const secretRoutes = (ctx: AdminContext, admin: SettingsAdmin) => {
  const secretOf = async (key: string): Promise<SettingState> => {
    const state = (await admin.states()).find((one) => one.key === key && one.secret && !one.locked);
    if (!state) throw new AppError("not_found", `There is no secret ${JSON.stringify(key.slice(0, 80))} to be changed here.`);
    return state;
  };
  const secretPage = async (request: Request, key: string, { made = null, error }: { made?: string | null; error?: string } = {}) => {
    const state = await secretOf(key);
    const origin = ctx.originOf(request);
    return page(ctx, request, (view) => ({
      title: key,
      nav: "settings",
      status: error ? 422 : 200,
      body: SecretPage({ view, state, made, origin, error }),
    }));
  };

  return new Elysia()
    .get("/secret/:key", ({ request, params }) => secretPage(request, params.key))
    .post("/secret/:key", async ({ request, params }) => {
      const { t } = viewOf(ctx, request);
      const { key, expected } = await secretOf(params.key);
      const form = await readForm(ctx, request);
      const act = form.choice("act", ["generate", "save", "clear"]);
      const typed = form.text("secret", { verbatim: true, max: MAX_TEXT });
      form.check();
      const secret = { generate: newSecretText(), save: typed, clear: "" }[act];
      const { wrong } = await admin.review([{ key, text: secret }]);
      if (wrong.length > 0 || (act === "save" && typed === "")) form.refuse("secret", t.settings.wrong(t.settings.expected(expected)));
      form.check();
      await admin.apply({ [key]: act === "clear" ? null : secret }, ctx.sessionContextOf(request));
      if (act === "generate") return secretPage(request, key, { made: secret });
      return goTo(ctx, request, HOME, { text: act === "clear" ? t.settings.secret.cleared : t.settings.secret.saved });
    });
};

/** By key, section or description, in the language of the page and in English. */
function matches({ key, section, description }: SettingState, query: string, { settings }: Messages): boolean {
  const text = `${key} ${settings.sections[section]} ${settings.describe(key, description)} ${description}`.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Changes of the form: every field that it had, and the one whose reset button was pressed. */
function changesOf(form: FormReader, states: readonly SettingState[]): SettingChange[] {
  const shown = new Set(form.list("keys"));
  const resets = new Set(form.list("reset"));
  return states
    .filter(({ key, secret }) => shown.has(key) && !secret)
    .map(({ key, type }): SettingChange => {
      if (resets.has(key)) return { key, reset: true };
      if (type === "flag") return { key, text: String(form.has(`value.${key}`)) };
      const text = form.text(`value.${key}`, { max: MAX_TEXT });
      return { key, text: type === "list" ? text.replaceAll(/\r?\n/g, ",") : text };
    });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError("invalid_request", "The form holds no value for a setting.");
  }
}

type Notice = Parameters<typeof goTo>[3];

/** Back to the settings: with what was done, or with why nothing was. */
async function orConflict(ctx: AdminContext, request: Request, words: string, action: () => Promise<Notice>): Promise<Response> {
  try {
    return goTo(ctx, request, HOME, await action());
  } catch (error) {
    if (!(error instanceof AppError && error.kind === "conflict")) throw error;
    return goTo(ctx, request, HOME, { text: words, tone: "bad" });
  }
}
