// Nodes of the system page: what is shown of each, and taking one out of service.
import { Elysia } from "elysia";
import { NodesPanel, type NodeView } from "../../views/system/nodes.tsx";
import { isRecord } from "../domain/is-record.ts";
import { AppError } from "../errors.ts";
import type { AdminContext } from "./context.ts";
import { changed, readForm, viewOf } from "./page.ts";

/** Null where this server is alone on its data. */
export async function nodeViews({ node, store }: Pick<AdminContext, "node" | "store">): Promise<NodeView[] | null> {
  if (!node.isShared) return null;
  return (await store.listNodes()).map(({ gauges, ...row }) => ({ ...row, isThis: row.id === node.id, load: loadOf(gauges) }));
}

function loadOf(gauges: unknown): NodeView["load"] {
  if (!isRecord(gauges)) return null;
  const { inFlight, queued, jobs, memoryMb } = Object.fromEntries(
    Object.entries(gauges).map(([name, value]) => [name, Number(value) || 0]),
  );
  return { inFlight: inFlight ?? 0, queued: queued ?? 0, jobs: jobs ?? 0, memoryMb: memoryMb ?? 0 };
}

export const nodeRoutes = (ctx: AdminContext) =>
  new Elysia().post("/system/nodes", async ({ request }) => {
    const form = await readForm(ctx, request);
    const act = form.choice("act", ["drain", "serve"]);
    const id = Number(form.text("id"));
    form.check();
    const isDone = await ctx.store.drainNode(id, act === "drain");
    if (!isDone) throw new AppError("not_found", viewOf(ctx, request).t.system.nodes.gone);
    await ctx.audit.record({ action: `node.${act}`, subject: `node ${id}` }, ctx.sessionContextOf(request));
    const nodes = (await nodeViews(ctx)) ?? [];
    return changed(ctx, request, { location: "/admin/system", content: (view) => NodesPanel({ view, nodes, now: view.now }) });
  });
