// bun run bench:admin: the admin on a large installation. Time of every view, what a browser loads for it, and the import of ten thousand tokens.
import { Database } from "bun:sqlite";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { newSecretText } from "../src/ids.ts";
import { ADMIN_PASSWORD, login, type SignedIn, signedIn } from "../test/admin/admin.ts";
import { launchBrowser, type OpenPage } from "../test/admin/browser.ts";
import { type AdminView, adminViews } from "./admin-views.ts";
import { LARGE, seed } from "./seed.ts";
import { freePort } from "./targets.ts";

const { values } = parseArgs({
  options: {
    /** A folder to seed, or one that was seeded before and is measured again; absent: one that goes when all is done. */
    data: { type: "string" },
    times: { type: "string", default: "40" },
    /** Part of an address: only those are measured, and nothing is imported. */
    only: { type: "string", default: "" },
  },
});
const TIMES = Number(values.times);
const WARM_UP = 3;
const IMPORTED = 10_000;
const AIM = { p95Ms: 50, coldBytes: 150_000, requests: 1, importMs: 5_000 };

/** `cpu`: ms that the server itself computed for one response, which a busy machine does not change. */
type Times = { p50: number; p95: number; cpu: number; bytes: number };
/** What a browser asked for: with nothing cached, and again with what it cached. Images that the page is about are counted apart. */
type Loads = { coldBytes: number; coldRequests: number; warmRequests: number; images: number; streams: number };

const root = join(import.meta.dir, "..");
const folder = values.data ?? mkdtempSync(join(tmpdir(), "flow2api-bench-admin-"));
if (!existsSync(join(folder, "flow2api.db"))) {
  console.log(`seeding ${LARGE.requests} requests, ${LARGE.tokens} tokens, ${LARGE.media} media`);
  await seed(folder, LARGE, (what) => console.log(`  ${what}`));
}
const server = await startServer();
let isWithinAims = true;
try {
  const admin = await signedIn(server.url, await login(server.url, ADMIN_PASSWORD));
  isWithinAims = await measureViews(admin);
  if (values.only === "") isWithinAims = (await measureImport(admin)) && isWithinAims;
} finally {
  await server.stop();
  if (values.data === undefined) rmSync(folder, { recursive: true, force: true });
  else forgetImported();
}
process.exit(isWithinAims ? 0 : 1);

/** The real program from source, with upstreams that nobody listens on. */
async function startServer(): Promise<{ url: string; cpuMs(): number; stop(): Promise<void> }> {
  const port = await freePort();
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  const env = {
    ...process.env,
    FLOW2API_GEMINI_BASE_URL: nowhere,
    FLOW2API_FLOW_LABS_BASE_URL: nowhere,
    FLOW2API_FLOW_API_BASE_URL: nowhere,
    FLOW2API_VERTEX_BASE_URL: nowhere,
    FLOW2API_VERTEX_TOKEN_URL: nowhere,
    FLOW2API_REFRESH_ENABLED: "false",
    FLOW2API_MEDIA_MIN_FREE_MB: "0",
    FLOW2API_STORAGE_DATA_DIR: folder,
    FLOW2API_LOG_LEVEL: "warn",
  };
  const command = ["bun", join(root, "src", "main.ts"), "serve", "--host", "127.0.0.1", "--port", String(port)];
  const process_ = Bun.spawn(command, { env, cwd: root, stdout: "ignore", stderr: "inherit" });
  const url = `http://127.0.0.1:${port}`;
  for (const deadline = Date.now() + 60_000; ; await Bun.sleep(50)) {
    if (
      await fetch(`${url}/health`).then(
        () => true,
        () => false,
      )
    )
      break;
    if (Date.now() > deadline) throw new Error("The server does not answer.");
  }
  return {
    url,
    cpuMs: () => cpuMsOf(process_.pid),
    async stop() {
      process_.kill("SIGTERM");
      await process_.exited;
    },
  };
}

/** All threads, user and system (proc(5): fields 14 and 15 in clock ticks of 10 ms); 0 where there is no /proc. */
function cpuMsOf(pid: number): number {
  if (!existsSync(`/proc/${pid}/stat`)) return 0;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function measureViews(admin: SignedIn): Promise<boolean> {
  using store = new Database(join(folder, "flow2api.db"), { readonly: true });
  using requests = new Database(join(folder, "requests.db"), { readonly: true });
  const views = adminViews(store, requests).filter(({ path }) => path.includes(values.only));
  await using browser = await launchBrowser();
  const rows: Record<string, string | number>[] = [];
  let isGood = true;
  for (const view of views) {
    const times = await timeOf(admin, view);
    const loads = view.kind === "page" && typeof times !== "string" ? await loadsOf(browser, admin, view) : null;
    const row = rowOf(view, times, loads);
    isGood &&= row.over === "";
    rows.push(row);
  }
  console.log(
    `\naims: p95 <= ${AIM.p95Ms} ms as the client sees it, <= ${AIM.coldBytes / 1000} kB cold, ${AIM.requests} request for a view with what is cached`,
  );
  console.table(rows);
  return isGood;
}

function rowOf({ path, kind }: AdminView, times: Times | string, loads: Loads | null): Record<string, string | number> {
  const name = path.length > 60 ? `${path.slice(0, 57)}...` : path;
  if (typeof times === "string") return { view: name, kind, over: times };
  const over = [
    times.p95 > AIM.p95Ms && "time",
    loads && loads.coldBytes > AIM.coldBytes && "bytes",
    loads && loads.warmRequests > AIM.requests && "requests",
  ];
  return {
    view: name,
    kind,
    "p50 ms": times.p50.toFixed(1),
    "p95 ms": times.p95.toFixed(1),
    "cpu ms": times.cpu.toFixed(1),
    "html kB": (times.bytes / 1000).toFixed(1),
    "cold kB": loads ? (loads.coldBytes / 1000).toFixed(1) : "",
    "cold requests": loads?.coldRequests ?? "",
    "warm requests": loads?.warmRequests ?? "",
    "+images": loads?.images ?? "",
    "+streams": loads?.streams ?? "",
    over: over.filter(Boolean).join(", "),
  };
}

/** One after the other: how long the server takes when it has nothing else to do. A text says why there is nothing to measure. */
async function timeOf(admin: SignedIn, { path, kind }: AdminView): Promise<Times | string> {
  const taken: number[] = [];
  let [bytes, cpuBefore] = [0, 0];
  for (let turn = -WARM_UP; turn < TIMES; turn++) {
    if (turn === 0) cpuBefore = server.cpuMs();
    const startedAt = performance.now();
    const response = await admin.get(path, kind === "fragment" ? { "hx-request": "true" } : {});
    bytes = (await response.bytes()).length;
    if (response.status !== 200) return `answers ${response.status}`;
    if (turn >= 0) taken.push(performance.now() - startedAt);
  }
  taken.sort((a, b) => a - b);
  return { p50: taken[Math.floor(TIMES * 0.5)]!, p95: taken[Math.floor(TIMES * 0.95)]!, cpu: (server.cpuMs() - cpuBefore) / TIMES, bytes };
}

/** In a browser with nothing in its cache, and once more. */
async function loadsOf(browser: Awaited<ReturnType<typeof launchBrowser>>, { cookie }: SignedIn, { path }: AdminView): Promise<Loads> {
  await using open = await browser.open();
  const [name = "", value = ""] = cookie.split(/=(.*)/);
  await open.page.context().addCookies([{ name, value, url: server.url }]);
  const cold = await visit(open, path);
  const warm = await visit(open, path);
  return {
    coldBytes: cold.bytes,
    coldRequests: cold.requests,
    warmRequests: warm.requests,
    images: cold.images,
    streams: cold.streams,
  };
}

/** Counts what went over the network, heads and compressed bodies as they were. */
async function visit({ page }: OpenPage, path: string): Promise<{ bytes: number; requests: number; images: number; streams: number }> {
  const session = await page.context().newCDPSession(page);
  const asked = new Map<string, { type: string; isAsset: boolean; isCached: boolean }>();
  let bytes = 0;
  session.on("Network.requestWillBeSent", ({ requestId, type = "", request }) =>
    asked.set(requestId, { type, isAsset: request.url.includes("/admin/assets/"), isCached: false }),
  );
  session.on("Network.requestServedFromCache", ({ requestId }) => markCached(requestId));
  session.on("Network.responseReceived", ({ requestId, response }) => response.fromDiskCache && markCached(requestId));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const one = asked.get(requestId);
    if (one && !one.isCached && !isImage(one)) bytes += encodedDataLength;
  });
  const markCached = (requestId: string) => {
    const one = asked.get(requestId);
    if (one) one.isCached = true;
  };
  await session.send("Network.enable");
  await page.goto(`${server.url}${path}`, { waitUntil: "load" });
  // Streams begin, and the cache is written.
  await page.waitForTimeout(400);
  await session.detach();
  const sent = [...asked.values()].filter(({ isCached }) => !isCached);
  const streams = sent.filter(({ type }) => type === "Fetch" || type === "EventSource").length;
  const images = sent.filter(isImage).length;
  return { bytes, requests: sent.length - streams - images, images, streams };
}

function isImage({ type, isAsset }: { type: string; isAsset: boolean }): boolean {
  return (type === "Image" || type === "Media") && !isAsset;
}

/** From the paste to the last token in the pool, with the preview in between. */
async function measureImport(admin: SignedIn): Promise<boolean> {
  const text = Array.from({ length: IMPORTED }, (_, index) => `imported-${index},gemini,AIzaSy${newSecretText().slice(0, 33)}`).join("\n");
  const [startedAt, cpuBefore] = [performance.now(), server.cpuMs()];
  const previewed = await admin.post("/admin/tokens/import", { text, provider: "" });
  const preview = previewed.headers.get("location");
  if (!preview) throw new Error(`The import was answered with ${previewed.status}.`);
  const previewMs = performance.now() - startedAt;
  await admin.post(`${preview}/start`);
  // The page of an import that runs holds its event stream; that of one that has ended does not.
  while ((await (await admin.get(preview)).text()).includes("hx-sse:connect")) await Bun.sleep(20);
  const wholeMs = performance.now() - startedAt;
  using store = new Database(join(folder, "flow2api.db"), { readonly: true });
  const { count } = store.query<{ count: number }, [number]>("SELECT count(*) AS count FROM tokens WHERE id > ?").get(LARGE.tokens)!;
  const isGood = wholeMs <= AIM.importMs && count >= IMPORTED;
  console.log(
    `import of ${IMPORTED} tokens into a pool of ${LARGE.tokens}: ${count} added, preview ${Math.round(previewMs)} ms, in all ${Math.round(wholeMs)} ms (${server.cpuMs() - cpuBefore} ms computing); aim ${AIM.importMs} ms${isGood ? "" : "  OVER"}`,
  );
  return isGood;
}

/** A retained folder stays as it was seeded. */
function forgetImported(): void {
  using store = new Database(join(folder, "flow2api.db"));
  store.run("PRAGMA foreign_keys = ON");
  store.run("DELETE FROM tokens WHERE id > ?", [LARGE.tokens]);
}
