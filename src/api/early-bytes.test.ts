// What a reader of a response that begins early sees, and what is left when it goes.
import { expect, test } from "bun:test";
import type { SettingsStore } from "../gateway/settings/settings.ts";
import { createLog } from "../log.ts";
import { settled, virtualClock } from "../testing.ts";
import { EARLY_MS, sendEarly } from "./early-bytes.ts";
import { HEARTBEAT_MS } from "./sse.ts";

/** A response that has begun: its reader, and what ends the wait for its body. */
async function begun() {
  const clock = virtualClock();
  const whole = Promise.withResolvers<Response>();
  const settings = { current: () => ({ server: { early_bytes: true } }) } as SettingsStore;
  const log = createLog({ level: "error", format: "json", write: () => {} });
  const sent = sendEarly({
    api: { settings, clock, log },
    startedAt: clock.now(),
    errorBody: () => ({ error: "x" }),
    whole: () => whole.promise,
  });
  await clock.advance(EARLY_MS);
  return { clock, whole, reader: (await sent).body!.getReader() };
}

/** Text of the next piece, after so much time. */
async function pieceAfter({ reader, clock }: Pick<Awaited<ReturnType<typeof begun>>, "reader" | "clock">, ms: number) {
  const next = reader.read();
  await clock.advance(ms);
  return new TextDecoder().decode((await next).value);
}

test("a blank comes at once, one after each heartbeat's time, then the body", async () => {
  const { clock, whole, reader } = await begun();
  expect(await pieceAfter({ reader, clock }, 0)).toBe(" ");
  expect(await pieceAfter({ reader, clock }, HEARTBEAT_MS)).toBe(" ");
  const body = reader.read();
  whole.resolve(Response.json({ a: 1 }));
  expect(new TextDecoder().decode((await body).value)).toBe('{"a":1}');
  expect((await reader.read()).done).toBe(true);
  expect(clock.nextTimer()).toBeNull();
});

test("a reader that leaves before the body leaves no timer behind", async () => {
  const { clock, whole, reader } = await begun();
  await pieceAfter({ reader, clock }, 0);
  const pending = reader.read();
  await settled();
  void reader.cancel().catch(() => {});
  await settled();
  expect(clock.nextTimer()).toBeNull();
  whole.resolve(Response.json({}));
  await pending.catch(() => {});
});
