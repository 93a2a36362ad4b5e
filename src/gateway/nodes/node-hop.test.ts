// The hop to the node that holds an upload: what it sends on, and what it says where that node is gone, hangs or is this one.
import { afterEach, expect, test } from "bun:test";
import type { NodeRow } from "../../db/nodes.ts";
import { silentLog } from "../../log.ts";
import { virtualClock } from "../../testing.ts";
import { NodeHop } from "./node-hop.ts";

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const PATH = "/upload/v1beta/files/aaaaaaaaaaaaaaaaaaaaaaaaaa-7";

function setUp(respond: (request: Request) => Response | Promise<Response>, { secret = 1, state = "serving", url = true } = {}) {
  const clock = virtualClock();
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: respond });
  closing.push(() => server.stop(true));
  const rows = [{ id: 7, state, url: url ? `http://127.0.0.1:${server.port}/` : null }] as unknown as NodeRow[];
  const hopOf = (byte: number) =>
    new NodeHop({
      node: { id: 3, isShared: true },
      store: { listNodes: async () => rows },
      secret: new Uint8Array(32).fill(byte),
      clock,
      log: silentLog,
    });
  return { clock, hop: hopOf(secret), stranger: hopOf(9) };
}

async function* pieces(...texts: string[]) {
  for (const text of texts) yield new TextEncoder().encode(text);
}
const request = (headers: Record<string, string> = {}, signal?: AbortSignal) =>
  new Request(`http://balancer${PATH}?key=x`, { method: "POST", headers, body: "-", signal });
const refusalOf = (act: Promise<unknown>) =>
  act.then(
    () => null,
    (error) => [error.kind, error.message],
  );

test("path, query, upload headers and bytes arrive, nothing else of the client; status, headers and body come back", async () => {
  let seen: Record<string, unknown> = {};
  const { hop } = setUp(async (incoming) => {
    const { pathname, search } = new URL(incoming.url);
    seen = { pathname, search, headers: Object.fromEntries(incoming.headers), text: await incoming.text() };
    return Response.json({ file: 1 }, { status: 201, headers: { "x-goog-upload-status": "final", "set-cookie": "a=b" } });
  });
  const sent = request({
    "x-goog-upload-command": "upload, finalize",
    "content-type": "image/png",
    authorization: "Bearer sk-f2a-x",
    cookie: "c=d",
  });
  const response = await hop.forward(sent, 7, pieces("one ", "two"));
  expect(seen).toMatchObject({ pathname: PATH, search: "?key=x", text: "one two" });
  expect(seen.headers).toMatchObject({ "x-goog-upload-command": "upload, finalize", "content-type": "image/png" });
  expect(Object.keys(seen.headers as object)).not.toContain("authorization");
  expect(Object.keys(seen.headers as object)).not.toContain("cookie");
  expect([response.status, response.headers.get("x-goog-upload-status"), response.headers.get("set-cookie")]).toEqual([201, "final", null]);
  expect(await response.json()).toEqual({ file: 1 });
});

test("what a node has sent on goes no further; what only says so does", async () => {
  let mark = "";
  const { hop, stranger } = setUp((incoming) => {
    mark = incoming.headers.get("x-flow2api-hop")!;
    return new Response("ok");
  });
  expect((await hop.forward(request(), 7, pieces())).status).toBe(200);
  const own = await refusalOf(hop.forward(request({ "x-flow2api-hop": mark }), 7, pieces()));
  expect(own).toEqual(["unavailable", expect.stringContaining("it was sent to another one by its server.node_url")]);
  expect((await stranger.forward(request({ "x-flow2api-hop": mark }), 7, pieces())).status).toBe(200);
  expect((await hop.forward(request({ "x-flow2api-hop": `${mark}x` }), 7, pieces())).status).toBe(200);
});

test("a mark is of one path and one minute", async () => {
  let mark = "";
  const { hop, clock } = setUp((incoming) => {
    mark = incoming.headers.get("x-flow2api-hop")!;
    return new Response("ok");
  });
  await hop.forward(request(), 7, pieces());
  const elsewhere = new Request(`http://balancer${PATH}9`, { method: "POST", headers: { "x-flow2api-hop": mark }, body: "-" });
  expect((await hop.forward(elsewhere, 7, pieces())).status).toBe(200);
  const old = mark;
  await clock.advance(61_000);
  expect((await hop.forward(request({ "x-flow2api-hop": old }), 7, pieces())).status).toBe(200);
});

test.each([
  [
    "has ended",
    { state: "dead" },
    ["not_found", "The node that held this has ended, and what it had received is gone. Begin again from the start."],
  ],
  ["names no address", { url: false }, ["unavailable", expect.stringContaining("it has no server.node_url")]],
] as const)("a node that %s is refused in plain words", async (_, options, expected) => {
  const { hop } = setUp(() => new Response("ok"), options as object);
  let isReturned = false;
  const body = (async function* () {
    try {
      yield new Uint8Array(1);
    } finally {
      isReturned = true;
    }
  })();
  await body.next();
  expect(await refusalOf(hop.forward(request(), 7, body))).toEqual([...expected]);
  expect(isReturned).toBe(true);
});

test("a node that hangs is given up after a minute, one that the client leaves at once", async () => {
  const { hop, clock } = setUp(() => new Promise(() => {}));
  const late = refusalOf(hop.forward(request(), 7, pieces("x")));
  await Bun.sleep(50);
  await clock.advance(61_000);
  expect(await late).toEqual(["unavailable", expect.stringContaining("it did not respond in time")]);
  const client = new AbortController();
  const left = refusalOf(hop.forward(request({}, client.signal), 7, pieces("x")));
  await Bun.sleep(50);
  client.abort();
  expect(await left).toEqual(["cancelled", "The client went away."]);
});

test("a node that refuses connections cannot be reached", async () => {
  const { hop } = setUp(() => new Response("ok"));
  for (const close of closing.splice(0)) close();
  expect(await refusalOf(hop.forward(request(), 7, pieces("x")))).toEqual([
    "unavailable",
    expect.stringContaining("it could not be reached"),
  ]);
});
