// Undo: takes back one of the last actions, from a toast or from the menu of the last ten minutes.
import { Elysia } from "elysia";
import type { Notice } from "../../views/ui/messages.tsx";
import { UndoList, UndoPage } from "../../views/undo.tsx";
import { AppError } from "../errors.ts";
import type { AdminContext } from "./context.ts";
import { fragment, goTo, isHtmx, page, readForm, viewOf } from "./page.ts";

export const undoRoutes = (ctx: AdminContext) =>
  new Elysia()
    .get("/undo", async ({ request }) => {
      const actions = await ctx.undo.list();
      if (!isHtmx(request))
        return page(ctx, request, (view) => ({ title: view.t.undo.title, nav: "overview", body: UndoPage({ view, actions }) }));
      const from = request.headers.get("hx-current-url");
      const { pathname, search } = new URL(from ?? "/admin", request.url);
      return fragment(ctx, request, (view) => UndoList({ view, actions, back: pathname + search }));
    })
    .post("/undo/:id", async ({ request, params }) => {
      const back = (await readForm(ctx, request)).text("back", { max: 2000 });
      const location = /^\/admin([/?#]|$)/.test(back) ? back : "/admin";
      const { undo } = viewOf(ctx, request).t;
      await assertMayUndo(ctx, request, params.id);
      const notice = await ctx.undo.undo(params.id, ctx.sessionContextOf(request)).then(
        ({ action, skipped }): Notice => ({ text: undo.undone(undo.did(action), skipped), tone: skipped > 0 ? "bad" : "ok" }),
        (error): Notice => {
          if (!(error instanceof AppError) || error.reason !== "undo_over") throw error;
          return { text: undo.over, tone: "bad" };
        },
      );
      return goTo(ctx, request, location, notice);
    });

/** Who may not change settings may not put former ones back either. */
async function assertMayUndo(ctx: AdminContext, request: Request, id: string): Promise<void> {
  const { session } = ctx.sessionContextOf(request);
  const action = (await ctx.undo.list()).find((one) => one.id === id);
  if (action?.action.startsWith("settings.") && session?.account.role !== "admin")
    throw new AppError("forbidden", "This needs the role admin.", { reason: "role_missing" });
}

/** A notice with the way back. `undoId` null: there is none. */
export const undoable = (text: string, undoId: string | null): Notice =>
  undoId === null ? { text } : { text, undo: { action: `/admin/undo/${undoId}` } };
