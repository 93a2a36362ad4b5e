// Undo: takes back one of the last actions, from a toast or from the menu of the last ten minutes.
import { Elysia } from "elysia";
import type { Notice } from "../../views/ui/messages.tsx";
import { UndoList, UndoPage } from "../../views/undo.tsx";
import { AppError } from "../errors.ts";
import type { AdminContext } from "./context.ts";
import { ownPath, pathOfUrl } from "./own-path.ts";
import { fragment, goTo, isHtmx, page, readForm, viewOf } from "./page.ts";

export const undoRoutes = (ctx: AdminContext) =>
  new Elysia()
    .get("/undo", async ({ request }) => {
      const actions = await ctx.undo.list();
      if (!isHtmx(request))
        return page(ctx, request, (view) => ({ title: view.t.undo.title, nav: "overview", body: UndoPage({ view, actions }) }));
      const back = pathOfUrl(request.headers.get("hx-current-url")) ?? "/admin";
      return fragment(ctx, request, (view) => UndoList({ view, actions, back }));
    })
    .post("/undo/:id", async ({ request, params }) => {
      const location = ownPath((await readForm(ctx, request)).text("back", { max: 4000, verbatim: true }));
      const { undo } = viewOf(ctx, request).t;
      const notice = await ctx.undo.undo(params.id, ctx.sessionContextOf(request)).then(
        ({ action, skipped }): Notice => ({ text: undo.undone(undo.did(action), skipped), tone: skipped > 0 ? "bad" : "ok" }),
        (error): Notice => {
          if (!(error instanceof AppError) || error.reason !== "undo_over") throw error;
          return { text: undo.over, tone: "bad" };
        },
      );
      return goTo(ctx, request, location, notice);
    });

/** A notice with the way back. `undoId` null: there is none. */
export const undoable = (text: string, undoId: string | null): Notice =>
  undoId === null ? { text } : { text, undo: { action: `/admin/undo/${undoId}` } };
