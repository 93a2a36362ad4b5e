// Where a start ends: the engine compiles again as usual, and failures to listen are one line each.
import { expect, spyOn, test } from "bun:test";
import { listening } from "./listen.ts";

const ADDRESS = { host: "127.0.0.1", port: 8000 };

test("what requests run is compiled as usual as soon as the server listens, not before and not where it fails", async () => {
  const set = spyOn(Bun.unsafe, "setJITPolicy");
  try {
    const starting = Promise.withResolvers<string>();
    const server = listening(starting.promise, ADDRESS);
    expect(set).toHaveBeenCalledTimes(0);
    starting.resolve("server");
    expect(await server).toBe("server");
    expect(set.mock.calls).toEqual([[1]]);
    await expect(listening(Promise.reject(Object.assign(new Error("no"), { code: "EACCES" })), ADDRESS)).rejects.toThrow("Port 8000");
    expect(set).toHaveBeenCalledTimes(1);
  } finally {
    set.mockRestore();
  }
});
