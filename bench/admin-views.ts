// What the admin is measured by: its pages as the menu has them, their filters and their fragments, with ids of what was seeded.
import type { Database } from "bun:sqlite";
import { NAV } from "../views/ui/nav.ts";

export type AdminView = { path: string; kind: "page" | "filter" | "fragment" };

/** `store` and `requests`: the databases of the seeded folder. */
export function adminViews(store: Database, requests: Database): AdminView[] {
  const one = (db: Database, sql: string): string => String(Object.values(db.query<Record<string, unknown>, []>(sql).get() ?? {})[0] ?? "");
  const token = one(store, "SELECT id FROM tokens WHERE enabled ORDER BY id LIMIT 1 OFFSET 40");
  const media = one(store, "SELECT id FROM media WHERE origin = 'result' ORDER BY created_at DESC LIMIT 1 OFFSET 20");
  const mediaMark = one(store, "SELECT created_at || '.' || id FROM media WHERE origin = 'result' ORDER BY created_at LIMIT 1 OFFSET 2000");
  const job = one(store, "SELECT id FROM jobs WHERE state = 'failed' ORDER BY seq DESC LIMIT 1");
  const request = one(requests, "SELECT id FROM requests WHERE outcome <> 'ok' ORDER BY seq DESC LIMIT 1");
  const oldRequest = one(requests, "SELECT id FROM requests ORDER BY seq LIMIT 1 OFFSET 1000");
  const key = one(store, "SELECT id FROM keys ORDER BY id LIMIT 1");
  const page = (path: string): AdminView => ({ path: `/admin${path}`, kind: "page" });
  const filter = (path: string): AdminView => ({ path: `/admin${path}`, kind: "filter" });
  const fragment = (path: string): AdminView => ({ path: `/admin${path}`, kind: "fragment" });
  return [
    ...NAV.map(({ path }): AdminView => ({ path, kind: "page" })),
    page(`/tokens/${token}`),
    page("/tokens/groups"),
    page("/tokens/import"),
    page("/tokens/new"),
    page(`/keys/${key}`),
    page(`/gallery/${media}`),
    page(`/jobs/${job}`),
    page(`/requests/${request}`),
    page("/models"),
    page("/system/backup"),
    page("/system/logs"),
    page("/system/trail"),
    page("/system/about"),
    filter("/tokens?health=blocked"),
    filter("/tokens?q=harbor-99"),
    filter("/tokens?sort=today&order=desc"),
    filter("/tokens?sort=used&order=desc"),
    filter("/tokens?provider=flow&tag=paid"),
    filter(`/gallery?key=${key}`),
    filter("/gallery?model=gemini-3-pro-image&kind=image"),
    filter("/gallery?origin=input"),
    filter("/jobs?state=failed"),
    filter("/requests?outcome=upstream_timeout"),
    filter("/requests?outcome=failed"),
    filter(`/requests?key=${key}`),
    filter(`/requests?token=${token}`),
    filter("/requests?model=gemini-3-pro-image"),
    filter("/requests?q=takes+no+more+calls"),
    filter("/requests?q=nothing+has+these+words"),
    filter("/requests?q=upstream&outcome=content_policy&kind=video"),
    filter("/requests?q=aurora"),
    filter("/requests?outcome=failed&reason=per_minute&span=7d"),
    filter(`/requests?token=${token}&attempt=failed`),
    filter("/requests?family=gemini-3-pro-image&span=today"),
    filter(`/requests?before=${oldRequest}`),
    page("/search?q=aurora"),
    filter("/search?q=upstream"),
    filter(`/search?q=${request}`),
    filter("/usage?by=reason"),
    filter(`/usage?by=reason&token=${token}`),
    filter("/usage/billing"),
    filter("/usage?span=30d&by=key"),
    filter("/usage?span=30d&by=token"),
    filter("/usage?span=30d&by=model"),
    filter(`/usage?span=30d&token=${token}`),
    filter("/settings?q=pool"),
    fragment(`/tokens/${token}/row`),
    fragment(`/tokens/${token}/edit`),
    fragment(`/gallery/tiles?before=${mediaMark}`),
    fragment(`/gallery/${media}/thumb`),
    fragment(`/jobs/${job}/state`),
  ];
}
