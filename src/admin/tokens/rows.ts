// Token row routes: show, edit, and actions on one token.
import { Elysia } from "elysia";
import { tokenHref } from "../../../views/tokens/token-fields.tsx";
import { TokenInspector } from "../../../views/tokens/token-inspector.tsx";
import { NoRow, RowMenu, TokenRowView } from "../../../views/tokens/token-row.tsx";
import { TokenRowEdit } from "../../../views/tokens/token-row-edit.tsx";
import type { Notice } from "../../../views/ui/messages.tsx";
import { AppError } from "../../errors.ts";
import type { AdminContext } from "../context.ts";
import { changed, fragment, readForm, viewOf } from "../page.ts";
import { backOf, changedNotice, checkNotice, type TokenPages } from "./context.ts";
import { failuresToday, modelsOf } from "./detail.ts";
import { readRowChange } from "./form.ts";

export const tokenRowRoutes = (ctx: AdminContext, pages: TokenPages) =>
  new Elysia()
    .get("/:id/row", async ({ request, params }) => fragment(ctx, request, await rowOf(pages, params.id)))
    .get("/:id/inspect", async ({ request, params }) => {
      const item = pages.item(params.id);
      const { requests, catalogue, clock } = ctx;
      const models = modelsOf(catalogue(), item);
      const failures = await failuresToday({ requests, now: clock.now }, item.row.id);
      return fragment(ctx, request, (view) => TokenInspector({ view, item, models, failures }));
    })
    .get("/:id/menu", ({ request, params }) => {
      const item = pages.item(params.id);
      return fragment(ctx, request, (view) => RowMenu({ view, item }));
    })
    .get("/:id/edit", ({ request, params }) => {
      const item = pages.item(params.id);
      return fragment(ctx, request, (view) => TokenRowEdit({ view, item }));
    })
    .post("/:id/row", async ({ request, params }) => {
      const { row } = pages.item(params.id);
      const form = await readForm(ctx, request);
      const change = readRowChange(form);
      form.check();
      const done = await pages.admin.change([row.id], change, ctx.sessionContextOf(request));
      return answerRow({ ctx, pages, request }, row.id, changedNotice(done, viewOf(ctx, request).t.tokens.changed));
    })
    .post("/:id/check", async ({ request, server, params }) => {
      const { row } = pages.item(params.id);
      server?.timeout(request, 0);
      const failure = await pages.admin.check(row.id).then(() => null, expected);
      return answerRow({ ctx, pages, request }, row.id, checkNotice(viewOf(ctx, request), row.label, failure));
    })
    .post("/:id/clear", async ({ request, params }) => {
      const { row } = pages.item(params.id);
      const family = (await readForm(ctx, request)).text("family", { max: 100 }) || undefined;
      const count = await pages.admin.clear([row.id], family, ctx.sessionContextOf(request));
      return answerRow({ ctx, pages, request }, row.id, { text: viewOf(ctx, request).t.tokens.cleared(count) });
    })
    .post("/:id/enable", ({ request, params }) => switchToken({ ctx, pages, request }, params.id, true))
    .post("/:id/disable", ({ request, params }) => switchToken({ ctx, pages, request }, params.id, false))
    .post("/:id/remove", async ({ request, params }) => {
      const { row } = pages.item(params.id);
      const done = await pages.deleted.remove([row.id], ctx.sessionContextOf(request));
      const notice = changedNotice(done, viewOf(ctx, request).t.tokens.removed);
      return changed(ctx, request, { location: "/admin/tokens", notice, content: NoRow });
    });

type RowCall = { ctx: AdminContext; pages: TokenPages; request: Request };

async function switchToken(call: RowCall, id: string, enabled: boolean): Promise<Response> {
  const { ctx, pages, request } = call;
  const { row } = pages.item(id);
  const { tokens } = viewOf(ctx, request).t;
  const done = await pages.admin.change([row.id], { enabled }, ctx.sessionContextOf(request));
  return answerRow(call, row.id, changedNotice(done, enabled ? tokens.enabled : tokens.disabled));
}

async function rowOf(pages: TokenPages, id: string | number) {
  const item = pages.item(`${id}`);
  const facts = (await pages.facts([item])).get(item.row.id) ?? null;
  return (view: Parameters<typeof TokenRowView>[0]["view"]) => TokenRowView({ view, item, facts });
}

/** The row as it is now for htmx; a plain form goes back to where it came from. */
async function answerRow({ ctx, pages, request }: RowCall, id: number, notice: Notice): Promise<Response> {
  const location = backOf(await readForm(ctx, request), tokenHref(id));
  return changed(ctx, request, { location, notice, content: await rowOf(pages, id) });
}

/** A check's failure that is a verdict on the token. */
function expected(error: unknown): AppError {
  if (error instanceof AppError) return error;
  throw error;
}
