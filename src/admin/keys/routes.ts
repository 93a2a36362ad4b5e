// Keys routes: list, create, edit, enable, disable. Deletion and rotation are in secret-routes.ts.

import { Elysia } from "elysia";
import { KeyPage } from "../../../views/keys/key.tsx";
import { KeyFormPage, KeyMade } from "../../../views/keys/key-form.tsx";
import { KeyLine, KeysPage, keyHref } from "../../../views/keys/keys.tsx";
import type { KeyRow } from "../../domain/key.ts";
import { recordKeyUndo } from "../../gateway/keys/key-undo.ts";
import {
  changeKey,
  imageForms,
  issueKey,
  KEY_STATES,
  type KeyOptions,
  newKeyLimits,
  pageOfKeys,
  readKey,
  videoForms,
} from "../../gateway/keys/manage-keys.ts";
import { knownOperatorKey } from "../../gateway/keys/operator-key.ts";
import { formerKeys, optionsOf } from "../../gateway/keys/rotate-key.ts";
import { parseUsageRange, readUsageByKind } from "../../gateway/reports/usage.ts";
import type { AdminContext } from "../context.ts";
import { changed, fragment, goTo, isHtmx, page, readForm, viewOf } from "../page.ts";
import { undoable } from "../undo.ts";
import { readKeyForm } from "./form.ts";
import { keySecretRoutes } from "./secret-routes.ts";
import { idOf, modelFor, rowOf, shownKey } from "./shown-key.ts";
import { keyWebhookRoutes } from "./webhook-routes.ts";

const PAGE_ROWS = 50;
const STATES = ["living", "all", ...KEY_STATES] as const;

export const keyRoutes = (ctx: AdminContext) =>
  new Elysia({ prefix: "/keys" })
    .get("/", async ({ request }) => {
      const data = await listData(ctx, request);
      return page(ctx, request, (view) => ({ title: view.t.keys.title, nav: "keys", body: KeysPage({ view, data }) }));
    })

    .get("/new", async ({ request }) => {
      const from = idOf(new URL(request.url).searchParams.get("from") ?? "");
      return formPage(ctx, request, null, from ? await readKey(ctx.store, from) : null);
    })
    .post("/new", async ({ request }) => {
      const form = await readForm(ctx, request);
      const options = readKeyForm(form, viewOf(ctx, request), { before: null, catalogue: ctx.catalogue() });
      form.check();
      const { key: secret, row } = await issueKey(ctx, options, ctx.clock.now());
      await ctx.audit.record(
        { action: "key.create", subject: `key ${row.id}`, after: { ...options, prefix: row.prefix } },
        ctx.sessionContextOf(request),
      );
      const made = { row, secret, origin: ctx.originOf(request), model: modelFor(ctx, row) };
      if (isHtmx(request)) return fragment(ctx, request, (view) => KeyMade({ view, ...made }));
      return page(ctx, request, (view) => ({ title: row.name, nav: "keys", body: KeyMade({ view, ...made }) }));
    })

    .get("/:id", async ({ request, params }) => {
      const data = await keyData(ctx, await rowOf(ctx, params.id));
      return page(ctx, request, (view) => ({ title: data.shown.row.name, nav: "keys", body: KeyPage({ view, data }) }));
    })
    .get("/:id/edit", async ({ request, params }) => formPage(ctx, request, await rowOf(ctx, params.id)))
    .post("/:id/edit", async ({ request, params }) => {
      const row = await rowOf(ctx, params.id);
      const form = await readForm(ctx, request);
      const options = readKeyForm(form, viewOf(ctx, request), { before: row, catalogue: ctx.catalogue() });
      form.check();
      const { undoId } = await change(ctx, request, row.id, options);
      return goTo(ctx, request, keyHref(row.id), undoable(viewOf(ctx, request).t.keys.saved(options.name), undoId));
    })
    .post("/:id/enabled", ({ request, params }) => enableKey(ctx, request, idOf(params.id)))

    .use(keySecretRoutes(ctx))
    .use(keyWebhookRoutes(ctx));

async function enableKey(ctx: AdminContext, request: Request, id: number): Promise<Response> {
  const form = await readForm(ctx, request);
  const enabled = form.choice("enabled", ["on", "off"]) === "on";
  form.check();
  const { after: row, undoId } = await change(ctx, request, id, { enabled });
  const { keys } = viewOf(ctx, request).t;
  const text = enabled ? keys.enabled(row.name) : keys.disabled(row.name);
  const location = form.has("back") ? keyHref(row.id) : "/admin/keys";
  const shown = await shownKey(ctx, row);
  return changed(ctx, request, { location, notice: undoable(text, undoId), content: (view) => KeyLine({ view, shown }) });
}

async function change(ctx: AdminContext, request: Request, id: number, options: Partial<KeyOptions>) {
  const by = ctx.sessionContextOf(request);
  const { before, after } = await changeKey(ctx, id, options);
  await ctx.audit.record({ action: "key.update", subject: `key ${id}`, before, after }, by);
  return { after, undoId: await recordKeyUndo(ctx.undo, { before, after }, by) };
}

/** @param from the key whose settings a new one begins with */
function formPage(ctx: AdminContext, request: Request, row: KeyRow | null, from: KeyRow | null = null): Promise<Response> {
  if (row && row.revokedAt !== null) return goTo(ctx, request, keyHref(row.id));
  const catalogue = ctx.catalogue();
  const all = [...catalogue.families("image"), ...catalogue.families("video")];
  const data = {
    row,
    from: from && { ...from, ...optionsOf(from, ctx.clock.now()), name: viewOf(ctx, request).t.keys.copyOf(from.name) },
    limits: from?.limits ?? newKeyLimits(ctx.settings.current()),
    families: all.map(({ id, title, kind }) => ({ id, title, kind })),
    ids: catalogue.known.map(({ requested }) => requested),
    imageForms: imageForms(),
    videoForms: videoForms(),
  };
  return page(ctx, request, (view) => {
    const title = row ? view.t.keys.formEdit(row.name) : view.t.keys.formNew;
    return { title, nav: "keys", body: KeyFormPage({ view, data }) };
  });
}

async function listData(ctx: AdminContext, request: Request) {
  const fields = new URL(request.url).searchParams;
  const q = (fields.get("q") ?? "").trim().slice(0, 200);
  const state = STATES.find((one) => one === fields.get("state")) ?? "living";
  const before = idOf(fields.get("before") ?? "") || undefined;
  const found = pageOfKeys(await ctx.store.listKeys(), { text: q, state, limit: PAGE_ROWS, before }, ctx.clock.now());
  const operator = (await knownOperatorKey(ctx))?.id ?? null;
  const keys = await Promise.all(found.rows.map((row) => shownKey(ctx, row, operator)));
  return { keys, query: { q, state }, next: found.next, isFirst: before === undefined, counts: found.counts };
}

async function keyData(ctx: AdminContext, row: KeyRow) {
  const range = parseUsageRange({ span: "30" }, ctx.clock.now());
  const [shown, along, webhook, failures] = await Promise.all([
    shownKey(ctx, row),
    readUsageByKind(ctx.store, range, { key: row.id }, ctx.catalogue().idsByKind()),
    ctx.store.readKeyWebhook(row.id),
    ctx.requests.failures({ ...parseUsageRange({ span: "today" }, ctx.clock.now()), of: { key: row.id } }),
  ]);
  const { chat, webhooks } = ctx.settings.current();
  return {
    shown,
    former: await formerKeys(ctx, row.id, ctx.clock.now()),
    along,
    range,
    failures,
    webhook: { url: webhook?.url ?? null, hasSecret: webhook !== null, isOn: webhooks.enabled },
    settings: {
      imageForm: chat.image_form,
      videoForm: chat.video_form,
      sideCalls: chat.auxiliary ? ("answer" as const) : ("generate" as const),
    },
  };
}
