// A token's own proxy: every call that is made with the token goes through it, and none of another.
import { afterAll, expect, test } from "bun:test";
import { createServer, request as sendOn } from "node:http";
import { FLOW, GEMINI, GEMINI_TWO, startRig } from "./rig.ts";

/** A forward proxy that writes down what it passes on, and who asked. */
const passed: { path: string; user: string | null }[] = [];
const proxy = createServer((incoming, outgoing) => {
  const target = new URL(incoming.url!);
  const [, login] = (incoming.headers["proxy-authorization"] ?? "").split(" ");
  passed.push({ path: target.pathname, user: login ? Buffer.from(login, "base64").toString() : null });
  const { host, pathname, search } = target;
  const onward = sendOn(`http://${host}${pathname}${search}`, { method: incoming.method, headers: incoming.headers }, (response) => {
    outgoing.writeHead(response.statusCode!, response.headers);
    response.pipe(outgoing);
  });
  incoming.pipe(onward);
});
await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
const { port } = proxy.address() as { port: number };
afterAll(() => void proxy.close());

const ADDRESS = `http://me:canary@127.0.0.1:${port}`;

test.each([
  ["Gemini", { ...GEMINI, proxy: ADDRESS }, "gemini-3.1-flash-image", ["/gemini/v1beta/models/gemini-3.1-flash-image:generateContent"]],
  ["Flow", { ...FLOW, proxy: ADDRESS }, "imagen-4.0-generate-preview", ["auth/session", "createProject", "batchGenerateImages"]],
])("a %s token's calls go through its proxy, with its login, and nobody sees the password", async (_name, token, model, paths) => {
  passed.length = 0;
  await using rig = await startRig({ tokens: [token] });
  expect((await rig.chat({ model })).status).toBe(200);
  for (const path of paths) expect(passed.map((one) => one.path)).toContainEqual(expect.stringContaining(path));
  expect(new Set(passed.map(({ user }) => user))).toEqual(new Set(["me:canary"]));
  expect(rig.logged.join()).not.toContain("canary");
});

test("a token without one goes its own way", async () => {
  passed.length = 0;
  await using rig = await startRig({ tokens: [GEMINI_TWO] });
  expect((await rig.chat()).status).toBe(200);
  expect(passed).toEqual([]);
});
