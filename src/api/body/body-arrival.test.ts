// How slowly a body may arrive, and whose fault it is when it does.
import { describe, expect, test } from "bun:test";
import { deflateSync, gzipSync } from "node:zlib";
import { settled, virtualClock } from "../../testing.ts";
import { BodyReader } from "./body.ts";

const KIB = 1024;
const limits = { body_limit_mb: 1, bodies_in_flight_mb: 16, bodies_per_key_percent: 100, body_min_rate_kb: 1, body_timeout: 60 };

function arriving(change: Partial<typeof limits> = {}, headers: Record<string, string> = {}) {
  const clock = virtualClock();
  const slow: Request[] = [];
  const bodies = new BodyReader(() => ({ ...limits, ...change }), { clock, onSlow: (request) => void slow.push(request) });
  let send!: (bytes: Uint8Array) => void;
  let end!: () => void;
  let isOpen = true;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      send = (bytes) => void (isOpen && controller.enqueue(bytes));
      end = () => controller.close();
    },
    cancel() {
      isOpen = false;
    },
  });
  const request = new Request("http://x", { method: "POST", body, headers });
  return { clock, bodies, request, send, end, slow };
}

/** What became of it, or "open". */
function follow(reading: Promise<unknown>) {
  const state = { now: "open" };
  reading.then(
    () => (state.now = "read"),
    (error) => (state.now = error.kind),
  );
  return state;
}

const filled = (bytes: number) => new Uint8Array(bytes).fill(32);

describe("a body that stops", () => {
  test.each<[string, Record<string, string>, boolean]>([
    ["small, its length known", { "content-length": "100" }, false],
    ["its length unknown", {}, true],
    ["large, its length known", { "content-length": "500000" }, true],
    ["compressed", { "content-encoding": "gzip" }, true],
  ])("is refused after ten seconds, not before: %s", async (_, headers, sends) => {
    const { clock, bodies, request, send, slow } = arriving({}, headers);
    const state = follow(bodies.json(request, (value) => value));
    if (sends) send(filled(12));
    await clock.advance(9_900);
    expect(state.now).toBe("open");
    expect(slow).toHaveLength(1);
    await clock.advance(1_100);
    // The decoder of compressed bodies works in another thread.
    for (let turn = 0; turn < 100 && state.now === "open"; turn++) await Bun.sleep(1);
    expect([state.now, bodies.held()]).toEqual(["request_timeout", 0]);
  });

  test("after much has arrived is refused in the window after it", async () => {
    const { clock, bodies, request, send } = arriving();
    const state = follow(bodies.json(request, (value) => value));
    send(filled(500 * KIB));
    await clock.advance(12_000);
    expect([state.now, bodies.held()]).toEqual(["open", 500 * KIB]);
    await clock.advance(10_000);
    expect([state.now, bodies.held()]).toEqual(["request_timeout", 0]);
  });
});

describe("a body that goes on", () => {
  test("at the least rate is read", async () => {
    const { clock, bodies, request, send, end } = arriving();
    const state = follow(bodies.json(request, (value) => value));
    for (let second = 0; second < 30; second++) {
      send(filled(1.1 * KIB));
      await clock.advance(1_000);
    }
    expect(state.now).toBe("open");
    send(new TextEncoder().encode("1"));
    end();
    await clock.advance(0);
    await settled();
    expect(state.now).toBe("read");
  });

  test("slower than the least rate is refused, with no least rate it is not", async () => {
    for (const [body_min_rate_kb, expected] of [
      [1, "request_timeout"],
      [0, "open"],
    ] as const) {
      const { clock, bodies, request, send } = arriving({ body_min_rate_kb });
      const state = follow(bodies.json(request, (value) => value));
      for (let second = 0; second < 15; second++) {
        send(filled(KIB / 2));
        await clock.advance(1_000);
      }
      expect(state.now).toBe(expected);
    }
  });

  test("for longer than the longest time is refused", async () => {
    const { clock, bodies, request, send } = arriving({ body_timeout: 20 });
    const state = follow(bodies.json(request, (value) => value));
    for (let second = 0; second < 22; second++) {
      send(filled(10 * KIB));
      await clock.advance(1_000);
    }
    expect(state.now).toBe("request_timeout");
  });
});

describe("it is not the client who is slow", () => {
  test("while a piece is being stored", async () => {
    const { clock, bodies, request, send } = arriving();
    const pieces = bodies.stream(request)[Symbol.asyncIterator]();
    send(filled(10));
    await pieces.next();
    await clock.advance(30_000);
    send(filled(10));
    expect((await pieces.next()).done).toBe(false);
    const state = follow(pieces.next());
    await clock.advance(11_000);
    expect(state.now).toBe("request_timeout");
  });

  test("while the event loop stands still", async () => {
    const { bodies: _, ...world } = arriving();
    let jump = 0;
    const clock = { now: () => world.clock.now() + jump, after: world.clock.after };
    const bodies = new BodyReader(() => limits, { clock });
    const state = follow(bodies.json(world.request, (value) => value));
    world.send(filled(12));
    await world.clock.advance(500);
    jump = 30_000;
    await world.clock.advance(1_000);
    expect(state.now).toBe("open");
    await world.clock.advance(11_000);
    expect(state.now).toBe("request_timeout");
  });
});

describe("content encodings", () => {
  const post = (body: BodyInit, encoding: string) =>
    new Request("http://x", { method: "POST", body, headers: { "content-encoding": encoding } });
  const read = (request: Request, change: Partial<typeof limits> = {}) => {
    const bodies = new BodyReader(() => ({ ...limits, ...change }));
    return bodies
      .json(request, (value) => value)
      .then(
        (body) => body.value,
        (error) => ({ kind: error.kind, held: bodies.held() }),
      );
  };
  const text = JSON.stringify({ a: "ü".repeat(1000) });

  test.each([
    ["gzip", gzipSync(text)],
    ["X-GZIP", gzipSync(text)],
    ["identity, gzip", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["identity", text],
    ["", text],
  ])("%s is read", async (encoding, body) => expect(await read(post(body, encoding))).toEqual(JSON.parse(text)));

  test.each(["br", "zstd", "gzip, gzip", "compress", "gzip;q=1"])("%s is refused as unsupported", async (encoding) =>
    expect(await read(post("{}", encoding))).toEqual({ kind: "unsupported_media_type", held: 0 }),
  );

  test.each([
    ["not gzip at all", Buffer.from(text)],
    ["cut", gzipSync(text).subarray(0, 20)],
    ["damaged", Buffer.concat([gzipSync(text).subarray(0, 15), Buffer.alloc(40, 0xff)])],
    ["nothing", Buffer.alloc(0)],
  ])("data that is %s is refused", async (_, body) => expect(await read(post(body, "gzip"))).toEqual({ kind: "invalid_request", held: 0 }));

  test("a body that grows over the limit is refused as it is decoded", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * KIB * KIB, 0x20));
    expect(bomb.byteLength).toBeLessThan(100 * KIB);
    expect(await read(post(bomb, "gzip"))).toEqual({ kind: "payload_too_large", held: 0 });
    expect(await read(post(bomb, "gzip"), { body_limit_mb: 100 })).toEqual({ kind: "unavailable", held: 0 });
  });
});

describe("the share of a key", () => {
  test("is refused to it alone, and given back", async () => {
    const bodies = new BodyReader(() => ({ ...limits, bodies_per_key_percent: 25 }), {
      ownerOf: (request) => request.headers.get("x-key"),
    });
    const body = JSON.stringify("x".repeat(0.9 * KIB * KIB));
    const send = (key: string) =>
      bodies.json(new Request("http://x", { method: "POST", body, headers: { "x-key": key } }), (value) => value);
    const held = [await send("a"), await send("a"), await send("a"), await send("a")];
    await expect(send("a")).rejects.toMatchObject({ kind: "busy", retryAfterMs: 2000 });
    (await send("b"))[Symbol.dispose]();
    held[0]![Symbol.dispose]();
    (await send("a"))[Symbol.dispose]();
    for (const one of held) one[Symbol.dispose]();
    expect(bodies.held()).toBe(0);
  });

  test("is at least one body of the largest size", async () => {
    const bodies = new BodyReader(() => ({ ...limits, bodies_per_key_percent: 1 }));
    const request = new Request("http://x", { method: "POST", body: JSON.stringify("x".repeat(0.9 * KIB * KIB)) });
    (await bodies.json(request, (value) => value))[Symbol.dispose]();
  });

  test("counts as it arrives however high the least rate is set: only a few KiB arrive uncounted", async () => {
    const { bodies, request, send, end } = arriving(
      { body_limit_mb: 10, body_min_rate_kb: 1024 },
      { "content-length": `${2 * KIB * KIB}` },
    );
    const reading = bodies.text(request, 10 * KIB * KIB);
    send(filled(KIB * KIB));
    await settled();
    expect(bodies.held()).toBe(KIB * KIB);
    send(filled(KIB * KIB));
    end();
    (await reading)[Symbol.dispose]();
  });

  test("counts what has arrived, not what was declared", async () => {
    const { bodies, request, send } = arriving({}, { "content-length": "1000000" });
    follow(bodies.json(request, (value) => value));
    send(filled(12));
    await settled();
    await Bun.sleep(0);
    expect(bodies.held()).toBe(12);
  });
});
