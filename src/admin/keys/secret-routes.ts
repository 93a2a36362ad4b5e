// Delete, restore and rotate a key.

import { Elysia } from "elysia";
import { KeyMade } from "../../../views/keys/key-form.tsx";
import { RotatePage } from "../../../views/keys/key-rotate.tsx";
import { keyHref } from "../../../views/keys/keys.tsx";
import { deleteKey, restoreKey } from "../../gateway/keys/delete-key.ts";
import { recordKeyUndo } from "../../gateway/keys/key-undo.ts";
import { endFormerKeys, MAX_HOURS, rotateKey } from "../../gateway/keys/rotate-key.ts";
import type { AdminContext } from "../context.ts";
import { fragment, goTo, isHtmx, page, readForm, viewOf } from "../page.ts";
import { undoable } from "../undo.ts";
import { idOf, modelFor, rowOf, shownKey } from "./shown-key.ts";

export const keySecretRoutes = (ctx: AdminContext) =>
  new Elysia()
    .post("/:id/delete", async ({ request, params }) => {
      const by = ctx.sessionContextOf(request);
      const { before, after } = await deleteKey(ctx, idOf(params.id), ctx.clock.now());
      await ctx.audit.record({ action: "key.delete", subject: `key ${after.id}`, before, after }, by);
      const undoId = await recordKeyUndo(ctx.undo, { before, after }, by);
      return goTo(ctx, request, "/admin/keys", undoable(viewOf(ctx, request).t.keys.removed(after.name), undoId));
    })
    .post("/:id/restore", async ({ request, params }) => {
      const { before, after } = await restoreKey(ctx, idOf(params.id), ctx.clock.now());
      await ctx.audit.record({ action: "key.restore", subject: `key ${after.id}`, before, after }, ctx.sessionContextOf(request));
      return goTo(ctx, request, keyHref(after.id), { text: viewOf(ctx, request).t.keys.restored(after.name) });
    })
    .get("/:id/rotate", async ({ request, params }) => {
      const row = await rowOf(ctx, params.id);
      if (row.revokedAt !== null) return goTo(ctx, request, keyHref(row.id));
      const shown = await shownKey(ctx, row);
      return page(ctx, request, (view) => ({ title: view.t.keys.rotateTitle(row.name), nav: "keys", body: RotatePage({ view, shown }) }));
    })
    .post("/:id/rotate", async ({ request, params }) => {
      const form = await readForm(ctx, request);
      const hours = form.decimal("hours", { required: true, max: MAX_HOURS }) ?? 0;
      form.check();
      const before = await rowOf(ctx, params.id);
      const { key: secret, row } = await rotateKey(ctx, before.id, { hours, now: ctx.clock.now() });
      const change = { before: { prefix: before.prefix }, after: { prefix: row.prefix, former_valid_hours: hours } };
      await ctx.audit.record({ action: "key.rotate", subject: `key ${row.id}`, ...change }, ctx.sessionContextOf(request));
      const made = { row, secret, origin: ctx.originOf(request), model: modelFor(ctx, row), formerHours: hours };
      if (isHtmx(request)) return fragment(ctx, request, (view) => KeyMade({ view, ...made }));
      return page(ctx, request, (view) => ({ title: row.name, nav: "keys", body: KeyMade({ view, ...made }) }));
    })
    .post("/:id/rotate/end", async ({ request, params }) => {
      const row = await rowOf(ctx, params.id);
      const count = await endFormerKeys(ctx, row.id, ctx.clock.now());
      await ctx.audit.record({ action: "key.former_end", subject: `key ${row.id}`, after: { count } }, ctx.sessionContextOf(request));
      return goTo(ctx, request, keyHref(row.id), { text: viewOf(ctx, request).t.keys.formerEnded });
    });
