// Serial: each task waits for the one before.
import { expect, test } from "bun:test";
import { createSerial } from "./serial.ts";
import { settled } from "./testing.ts";

test("tasks run one after another in the order they came, and a failed one holds up nobody", async () => {
  const serial = createSerial();
  const reported: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = serial(async () => {
    reported.push("first begins");
    await gate.promise;
    throw new Error("first fails");
  });
  const second = serial(async () => {
    reported.push("second runs");
    return 2;
  });
  await settled();
  expect(reported).toEqual(["first begins"]);
  gate.resolve();
  expect(first).rejects.toThrow("first fails");
  expect(await second).toBe(2);
  expect(reported).toEqual(["first begins", "second runs"]);
});
