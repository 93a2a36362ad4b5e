// Side calls routes: the page, and adding and removing rules.
import { Elysia } from "elysia";
import { SideCallsPage } from "../../views/side-calls.tsx";
import { AppError } from "../errors.ts";
import { createSettingsAdmin } from "../gateway/settings/manage-settings.ts";
import { MAX_RULES, SIDE_RULES_KEY, type SideRule } from "../gateway/side-calls/rules.ts";
import type { AdminContext } from "./context.ts";
import { goTo, page, viewOf } from "./page.ts";

const HOME = "/admin/side-calls";
const SHOWN = 50;
const MONTH_MS = 30 * 86_400_000;
const QUOTED_CHARS = 60;

export const sideCallRoutes = (ctx: AdminContext) => {
  const { sideCalls, clock } = ctx;
  const admin = createSettingsAdmin({ ...ctx, now: clock.now });
  const store = (request: Request, rules: readonly SideRule[]) =>
    admin.applyOther({ [SIDE_RULES_KEY]: rules.length === 0 ? null : rules }, ctx.sessionContextOf(request));

  return new Elysia({ prefix: "/side-calls" })
    .get("/", ({ request }) => {
      const now = clock.now();
      const data = {
        today: sideCalls.counts(now),
        month: sideCalls.counts(now - MONTH_MS),
        suspects: sideCalls.suspects(SHOWN),
        rules: sideCalls.rules(),
      };
      return page(ctx, request, (view) => ({ title: view.t.sideCalls.title, nav: "overview", body: SideCallsPage({ view, data }) }));
    })
    .post("/:id/treat", async ({ request, params }) => {
      const { t } = viewOf(ctx, request);
      const shape = sideCalls.suspect(params.id);
      const rules = sideCalls.rules();
      if (!shape) throw new AppError("not_found", t.sideCalls.gone);
      if (rules.length >= MAX_RULES) throw new AppError("conflict", t.sideCalls.full);
      const { id, sample, kind, maxTokens } = shape;
      await store(request, [...rules, { id, sample, kind, maxTokens, since: clock.now() }]);
      const notice = { text: t.sideCalls.treated(sample.slice(0, QUOTED_CHARS)), undo: { action: `${HOME}/${id}/remove` } };
      return goTo(ctx, request, HOME, notice);
    })
    .post("/:id/remove", async ({ request, params }) => {
      await store(
        request,
        sideCalls.rules().filter(({ id }) => id !== params.id),
      );
      return goTo(ctx, request, HOME, { text: viewOf(ctx, request).t.sideCalls.removed });
    });
};
