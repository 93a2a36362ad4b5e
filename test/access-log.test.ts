// What the log and the metrics say of a request: the status that its client got, once, also when it left before its body was whole.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { once } from "node:events";
import { connect } from "node:net";
import { until } from "./keys.ts";
import { type Rig, startRig } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

type Line = { level: string; message: string; requestId: string; path: string; status: number };
const lines = () => rig.logged.map((line) => JSON.parse(line) as Line);
const requests = () => lines().filter(({ message }) => message === "Request ended");
const counted = async (dialect: string, status: string) => {
  const text = await (await fetch(`${rig.url}/metrics`)).text();
  return Number(new RegExp(`^\\S*http_requests_total\\{surface="${dialect}",status="${status}"\\} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
};

test.each<[string, RequestInit & { json?: unknown }, number]>([
  ["/v1/models", {}, 200],
  ["/v1/models/none", {}, 404],
  ["/v1/chat/completions", { json: {} }, 400],
  ["/v1/files", { method: "POST", body: "{}" }, 400],
  ["/v1/nothing", {}, 404],
  ["/v1/models", { headers: { authorization: "Bearer nobody" } }, 401],
  ["/v1/models", { method: "OPTIONS" }, 204],
  ["/v1beta/models/none", {}, 404],
  ["/media/none.png", {}, 404],
  ["/admin", { redirect: "manual" }, 303],
  ["/admin/login", {}, 200],
  ["/admin/nothing", { redirect: "manual" }, 303],
])("%s %p is written and counted once, as %p", async (path, init, status) => {
  const [dialect, size] = [path.split("/")[1]!, `${Math.floor(status / 100)}xx`];
  const before = { written: requests().length, counted: await counted(dialect, size) };
  const response = await rig.call(path, init);
  await response.text();
  expect(response.status).toBe(status);
  await until(() => requests().length > before.written);
  await until(async () => (await counted(dialect, size)) === before.counted + 1);
  const own = requests().filter(({ requestId }) => requestId === response.headers.get("x-request-id"));
  expect(own.map((line) => [line.path, line.status])).toEqual([[path, status]]);
});

const JSON_BODY = "content-type: application/json\r\n";
const PART = '--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\na fox';
test.each([
  ["/v1/chat/completions", `${JSON_BODY}content-length: 100000\r\n\r\n{"model": "gem`],
  ["/v1/videos", `${JSON_BODY}transfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n`],
  ["/v1/images/edits", `content-type: multipart/form-data; boundary=x\r\ncontent-length: 100000\r\n\r\n${PART}`],
  ["/v1beta/models/gemini-3-pro-image:generateContent", `${JSON_BODY}content-length: 100000\r\n\r\n{"contents": [`],
])("%s: a client that leaves while it sends is 499, and no error of ours", async (path, rest) => {
  const [before, written] = [requests().length, lines().length];
  const socket = connect(Number(new URL(rig.url).port), "127.0.0.1");
  await once(socket, "connect");
  socket.write(`POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${rig.key}\r\n${rest}`);
  await Bun.sleep(20);
  socket.destroy();
  const line = await until(() =>
    requests()
      .slice(before)
      .find((one) => one.path === path),
  );
  expect(line.status).toBe(499);
  const since = lines().slice(written);
  expect(since.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
});
