// Bodies that stop, crawl or explode are closed, and keep nobody else out: on the real server.
import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { hurriedClock, KEY, type Rig, startRig } from "../rig.ts";

const MIB = 1024 * 1024;

/** Sends the beginning of a request and resolves with all that is answered until the connection is closed. */
function half(url: string, head: string, part: string | Uint8Array): { answered: Promise<string>; [Symbol.dispose](): void } {
  const { hostname, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  const connecting = Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open(socket) {
        socket.write(`${head}\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\n\r\n`);
        socket.write(part);
      },
      data: (_, data) => {
        text += data.toString();
      },
      close: () => resolve(text),
    },
  });
  return { answered: promise, [Symbol.dispose]: () => void connecting.then((socket) => socket.end()) };
}

const headOf = (path: string, type: string, more = "content-length: 90000000") =>
  `POST ${path} HTTP/1.1\r\ncontent-type: ${type}\r\n${more}`;
const FORM = "multipart/form-data; boundary=x";

const routes: [string, string][] = [
  [headOf("/v1/chat/completions", "application/json"), "{"],
  [headOf("/v1/chat/completions", "application/json", "content-length: 100"), '{"model":"m"'],
  [headOf("/v1/chat/completions", "application/json", "transfer-encoding: chunked"), "5\r\n{    \r\n"],
  [headOf("/v1/chat/completions", "application/json", "content-length: 900\r\ncontent-encoding: gzip"), "\u001f"],
  [headOf("/v1/responses", "application/json"), "{"],
  [headOf("/v1/images/edits", FORM), '--x\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\nabc'],
  [headOf("/v1/videos", FORM), "--x"],
  [headOf("/v1/files", FORM), "--x\r\n"],
  [headOf("/v1beta/models/gemini-3.1-flash-image:generateContent", "application/json"), "{"],
  [headOf("/v1beta/interactions", "application/json"), "{"],
  [headOf("/upload/v1beta/files", "image/png"), "\u0089PNG"],
  [
    headOf(
      "/upload/v1beta/files",
      "application/json",
      "content-length: 5000\r\nx-goog-upload-command: start\r\nx-goog-upload-protocol: resumable",
    ),
    "{",
  ],
];

test("a half-sent body is closed with 408, on every route that reads one", async () => {
  await using rig = await startRig({ clock: hurriedClock() });
  const open = routes.map(([head, part]) => half(rig.url, head, part));
  const responses = await Promise.all(open.map(({ answered }) => answered));
  expect(responses.map((text) => text.slice(0, 12))).toEqual(routes.map(() => "HTTP/1.1 408"));
  expect(responses.every((text) => text.includes("KiB/s; the connection is closed."))).toBe(true);
  expect(rig.logged.some((line) => line.includes("by a bug"))).toBe(false);
});

test("sockets that sent twelve bytes of the largest body keep nobody out", async () => {
  await using rig = await startRig({ settings: { "server.body_min_rate_kb": 0, "server.bodies_in_flight_mb": 128 } });
  const open = Array.from({ length: 12 }, () =>
    half(rig.url, headOf("/v1/chat/completions", "application/json", `content-length: ${99 * MIB}`), '{"model":"m"'),
  );
  try {
    await arrived(rig, 12 * 12);
    expect((await rig.chat()).status).toBe(200);
    const large = await rig.chat({ messages: [{ role: "user", content: "a fox" }], ignored: "x".repeat(60 * MIB) });
    expect(large.status).toBe(200);
  } finally {
    for (const one of open) one[Symbol.dispose]();
  }
});

/** Waits until so many bytes of bodies are held, as the metrics report. */
async function arrived(rig: Rig, bytes: number): Promise<void> {
  for (let turn = 0; turn < 500; turn++) {
    const text = await (await fetch(`${rig.url}/metrics`)).text();
    const held = Number(/^flow2api_\w*bod\w* (\d+)/m.exec(text)?.[1]);
    if (held >= bytes) return;
    await Bun.sleep(5);
  }
  throw new Error("The bytes did not arrive");
}

test("compressed bodies are read, and bombs refused, in each dialect's envelope", async () => {
  await using rig = await startRig({ settings: { "server.body_limit_mb": 2 } });
  const body = { model: "gemini-3.1-flash-image", messages: [{ role: "user", content: "a fox" }] };
  const send = (path: string, bytes: Uint8Array<ArrayBuffer>, encoding = "gzip", type = "application/json") =>
    rig.call(path, { method: "POST", body: bytes, headers: { "content-encoding": encoding, "content-type": type } });
  expect((await send("/v1/chat/completions", gzipSync(JSON.stringify(body)))).status).toBe(200);
  const gemini = { contents: [{ parts: [{ text: "a fox" }] }] };
  expect((await send("/v1beta/models/gemini-3.1-flash-image:generateContent", gzipSync(JSON.stringify(gemini)))).status).toBe(200);
  const form = '--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\na fox\r\n--x--\r\n';
  expect((await send("/v1/videos", gzipSync(form), "gzip", FORM)).status).not.toBe(415);

  const bomb = gzipSync(Buffer.alloc(50 * MIB, 0x20));
  for (const [path, type] of [
    ["/v1/chat/completions", "application/json"],
    ["/v1/images/edits", FORM],
    ["/v1/files", FORM],
    ["/upload/v1beta/files", "image/png"],
  ] as const) {
    const response = await send(path, bomb, "gzip", type);
    expect([path, response.status < 500 && response.status >= 400]).toEqual([path, true]);
    expect(await response.json()).toHaveProperty("error.message");
  }
  const other = await send("/v1/chat/completions", Buffer.from("{}"), "br");
  expect([other.status, other.headers.get("accept-encoding"), (await other.json()).error.code]).toEqual([
    415,
    "gzip, deflate",
    "unsupported_content_encoding",
  ]);
});
