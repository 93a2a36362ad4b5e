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

test("a stoppable signal aborts with the client's own reason, by its stop, and for a client that is gone already", () => {
  const client = new AbortController();
  const [left, stopped] = [stoppable({ signal: client.signal }), stoppable({ signal: client.signal })];
  stopped.stop();
  expect([left.signal.aborted, stopped.signal.aborted]).toEqual([false, true]);
  client.abort("gone");
  expect([left.signal.aborted, left.signal.reason]).toEqual([true, "gone"]);
  expect(stoppable({ signal: client.signal }).signal.reason).toBe("gone");
});
