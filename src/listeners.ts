// Listeners of the server: the API's port, the admin's own, and how they drain.

import { enterBy } from "./api/arrival.ts";
import { type AppOptions, createApp } from "./app.ts";
import type { Context } from "./context.ts";

/** Largest body that Bun accepts; our limit is smaller and its refusal has an envelope. */
const BUN_BODY_LIMIT = 2048 * 1024 * 1024;
/** Seconds without a byte after which a connection is closed; slow answers lift it for themselves. */
const IDLE_TIMEOUT_S = 30;

export function listen(ctx: Context, options: AppOptions) {
  const { host, port } = ctx.config.settings.server;
  const app = createApp(ctx, options);
  // Not by Elysia's `listen`, which builds router and routes twice, the second time behind the first request, and collects garbage each time.
  app.server = Bun.serve({
    hostname: host,
    port,
    idleTimeout: IDLE_TIMEOUT_S,
    maxRequestBodySize: BUN_BODY_LIMIT,
    // Said explicitly: otherwise the port is shared with another listener; a taken port must be an error.
    reusePort: false,
    development: false,
    fetch: app.fetch,
  });
  return { app, adminServer: listenForAdmin(ctx, (request) => app.handle(request)) };
}

/** The admin on an address of its own; null where the settings have none. */
export function listenForAdmin({ config, log }: Context, handle: (request: Request) => Promise<Response>) {
  const { host, port } = config.settings.admin;
  if (port === 0) return null;
  const server = Bun.serve({
    hostname: host,
    port,
    reusePort: false,
    // Event streams may be silent for long.
    idleTimeout: 0,
    maxRequestBodySize: BUN_BODY_LIMIT,
    fetch(request, self) {
      enterBy(request, { peer: self.requestIP(request)?.address ?? null, listener: "admin" });
      return handle(request);
    },
  });
  log.info("Admin listening", { url: `http://${host}:${server.port}/admin` });
  return server;
}

type Stoppable = { stop(force?: boolean): Promise<void> };

/** Refuses new connections and waits for open responses; after the drain timeout they are aborted and, 1 s later, cut. */
export async function drain(server: Stoppable, ctx: Context, shutdown: AbortController): Promise<void> {
  const drained = server.stop(false);
  const late = ctx.clock.after(ctx.settings.current().server.drain_timeout * 1000, () => {
    shutdown.abort();
    ctx.clock.after(1000, () => void server.stop(true));
  });
  await drained;
  late();
}
