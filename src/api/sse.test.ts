// What a reader of a stream sees, and what happens when it leaves.
import { expect, test } from "bun:test";
import { settled, virtualClock } from "../testing.ts";
import { COMMENT, frame, HEARTBEAT_MS, stoppable, streamFrames } from "./sse.ts";

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

test("frames have a data line, and an event line where one is named", () => {
  expect([frame({ a: 1 }), frame("[DONE]"), frame({}, "x")]).toEqual(['data: {"a":1}\n\n', "data: [DONE]\n\n", "event: x\ndata: {}\n\n"]);
});

test("silence is filled with heartbeats until the next frame", async () => {
  const clock = virtualClock();
  const { promise, resolve } = Promise.withResolvers<void>();
  const frames = (async function* () {
    yield frame("one");
    await promise;
    yield frame("two");
  })();
  const reader = streamFrames(frames, { clock, heartbeat: COMMENT, onCancel: () => {} }).body!.getReader();
  expect(text((await reader.read()).value)).toBe(frame("one"));
  const next = reader.read();
  await clock.advance(HEARTBEAT_MS);
  expect(text((await next).value)).toBe(COMMENT);
  const last = reader.read();
  resolve();
  expect(text((await last).value)).toBe(frame("two"));
  expect((await reader.read()).done).toBe(true);
  expect(clock.nextTimer()).toBeNull();
});

test("no heartbeat comes between the pieces of one frame", async () => {
  const clock = virtualClock();
  const { promise, resolve } = Promise.withResolvers<void>();
  const frames = (async function* () {
    yield "data: half";
    await promise;
    yield " and half\n\n";
  })();
  const reader = streamFrames(frames, { clock, heartbeat: COMMENT, onCancel: () => {} }).body!.getReader();
  await reader.read();
  const rest = reader.read();
  await clock.advance(HEARTBEAT_MS * 3);
  resolve();
  expect(text((await rest).value)).toBe(" and half\n\n");
});

test("a reader that leaves stops the source, and no timer is left", async () => {
  const clock = virtualClock();
  let cancelled = 0;
  let finished = false;
  const stop = Promise.withResolvers<never>();
  const frames = (async function* () {
    try {
      yield "one";
      await stop.promise;
    } finally {
      finished = true;
    }
  })();
  const response = streamFrames(frames, {
    clock,
    heartbeat: COMMENT,
    onCancel: () => {
      cancelled++;
      stop.reject(new Error("gone"));
    },
  });
  const reader = response.body!.getReader();
  await reader.read();
  const pending = reader.read();
  await settled();
  await reader.cancel().catch(() => {});
  await pending.catch(() => {});
  await settled();
  expect([cancelled, finished, clock.nextTimer()]).toEqual([1, true, null]);
});

const PIECE = `data: ${"x".repeat(1024 * 1024)}\n\n`;
const PIECES = 64;

/** A server that streams large frames, and what has become of them. */
function largeFrames() {
  const seen = { given: 0, left: 0, ended: 0 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch() {
      const frames = (async function* () {
        for (; seen.given < PIECES; seen.given++) yield PIECE;
      })();
      return streamFrames(frames, { clock: virtualClock(), heartbeat: COMMENT, onCancel: () => seen.left++, onEnd: () => seen.ended++ });
    },
  });
  return { seen, url: server.url.href, [Symbol.asyncDispose]: () => server.stop(true) };
}

const until = async (isSo: () => boolean) => {
  while (!isSo()) await Bun.sleep(1);
};

test("over HTTP a reader that stands still is waited for, and when it leaves the source is told so once, and no end", async () => {
  await using far = largeFrames();
  const leaving = new AbortController();
  const reader = (await fetch(far.url, { signal: leaving.signal })).body!.getReader();
  await reader.read();
  for (let given = -1; given !== far.seen.given; await Bun.sleep(20)) given = far.seen.given;
  expect(far.seen.given).toBeLessThan(PIECES);
  leaving.abort();
  await until(() => far.seen.left > 0);
  await settled();
  expect(far.seen).toMatchObject({ left: 1, ended: 0 });
  expect(far.seen.given).toBeLessThan(PIECES);
});

test("over HTTP a reader that reads gets every byte, and the end is told once", async () => {
  await using far = largeFrames();
  expect(await (await fetch(far.url)).text()).toHaveLength(PIECE.length * PIECES);
  await until(() => far.seen.ended > 0);
  expect(far.seen).toEqual({ given: PIECES, left: 0, ended: 1 });
});

test("a stoppable signal aborts with the client's own reason, by its stop, and for a client that is gone already", () => {
  const client = new AbortController();
  const [left, stopped] = [stoppable({ signal: client.signal }), stoppable({ signal: client.signal })];
  stopped.stop();
  expect([left.signal.aborted, stopped.signal.aborted]).toEqual([false, true]);
  client.abort("gone");
  expect([left.signal.aborted, left.signal.reason]).toEqual([true, "gone"]);
  expect(stoppable({ signal: client.signal }).signal.reason).toBe("gone");
});
