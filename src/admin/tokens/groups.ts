// Groups routes: tokens, shared cooldowns and caps.
import { Elysia } from "elysia";
import { type GroupItem, GroupsPage } from "../../../views/tokens/token-groups.tsx";
import { AppError } from "../../errors.ts";
import { nextPacificMidnight } from "../../gateway/pool/pacific-time.ts";
import type { PoolGroupView } from "../../gateway/pool/snapshot.ts";
import type { AdminContext } from "../context.ts";
import type { FormReader } from "../forms.ts";
import { goTo, page, readForm, viewOf } from "../page.ts";
import type { TokenPages } from "./context.ts";
import { readCap } from "./form.ts";

const PAGE_SIZE = 40;

export const tokenGroupRoutes = (ctx: AdminContext, pages: TokenPages) =>
  new Elysia({ prefix: "/groups" })
    .get("/", ({ request }) => {
      const { searchParams } = new URL(request.url);
      const q = (searchParams.get("q") ?? "").trim().slice(0, 200);
      const after = searchParams.get("after") ?? "";
      const { groups, next } = pageOfGroups(ctx.pool.groups(), q, after);
      const data = {
        groups: withStates(ctx, groups),
        q,
        next,
        isFirst: after === "",
        dayEnds: nextPacificMidnight(ctx.clock.now()),
      };
      return page(ctx, request, (view) => ({ title: view.t.tokens.groupsTitle, nav: "tokens", body: GroupsPage({ view, data }) }));
    })
    .post("/clear", async ({ request }) => {
      const form = await readForm(ctx, request);
      const group = groupOf(ctx, form);
      const family = form.text("family", { max: 100 }) || undefined;
      const count = await pages.admin.clear(group.members, family, ctx.sessionContextOf(request));
      return goTo(ctx, request, "/admin/tokens/groups", { text: viewOf(ctx, request).t.tokens.cleared(count) });
    })
    .post("/caps", async ({ request }) => {
      const form = await readForm(ctx, request);
      const group = groupOf(ctx, form);
      const cap = readCap(form);
      form.check();
      await pages.admin.setGroupCap(group, cap, ctx.sessionContextOf(request));
      return goTo(ctx, request, "/admin/tokens/groups", { text: viewOf(ctx, request).t.tokens.groupSaved(group.name) });
    });

/** @throws {AppError} `not_found` */
function groupOf({ pool }: AdminContext, form: FormReader): PoolGroupView {
  const provider = form.text("provider");
  const name = form.text("name");
  const group = pool.groups().find((one) => one.provider === provider && one.name === name);
  if (!group) throw new AppError("not_found", "There is no such group.");
  return group;
}

const placeOf = ({ name, provider }: PoolGroupView): string => `${name}\n${provider}`;

/** Groups by name after the last of the page before. */
function pageOfGroups(all: PoolGroupView[], q: string, after: string): { groups: PoolGroupView[]; next: string | null } {
  const part = q.toLowerCase();
  const rest = all
    .map((group) => ({ group, place: placeOf(group) }))
    .filter(({ group, place }) => place > after && group.name.toLowerCase().includes(part))
    .sort((a, b) => (a.place < b.place ? -1 : 1));
  const shown = rest.slice(0, PAGE_SIZE);
  return { groups: shown.map(({ group }) => group), next: rest.length > PAGE_SIZE ? shown.at(-1)!.place : null };
}

function withStates({ pool }: Pick<AdminContext, "pool">, groups: readonly PoolGroupView[]): GroupItem[] {
  return groups.map((group) => {
    const counts = { healthy: 0, cooling: 0, blocked: 0, disabled: 0 };
    for (const id of group.members) {
      const view = pool.view(id);
      if (view) counts[view.health.state]++;
    }
    return { group, states: counts };
  });
}
