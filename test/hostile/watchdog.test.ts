// A stopped event loop is logged with the requests under way, and SIGTERM ends the process nevertheless.
import { expect, test } from "bun:test";

/** A stalled server: its lines as they come, and its end. */
async function start(stallMs: number, ...kind: string[]) {
  const args = [String(stallMs), ...(kind.length > 0 ? kind : ["native"])];
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/stalled-server.ts`, ...args], { stdout: "pipe", stderr: "pipe" });
  const out = linesOf(child.stdout);
  const [, port, seesSignals] = (await out()).split(" ");
  return { child, out, err: linesOf(child.stderr), url: `http://127.0.0.1:${port}`, seesSignals };
}

function linesOf(stream: ReadableStream<Uint8Array>): () => Promise<string> {
  const reader = stream.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
  let text = "";
  return async () => {
    while (!text.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`The output ended: ${text}`);
      text += value;
    }
    const line = text.slice(0, text.indexOf("\n"));
    text = text.slice(line.length + 1);
    return line;
  };
}

test.each(["native", "javascript"])(
  "a stopped event loop is logged while it stands still, and when it runs again: %s thread",
  async (kind) => {
    const { child, out, err, url, seesSignals } = await start(3_500, kind);
    expect(seesSignals).toBe(String(kind === "native"));
    const before = await (await fetch(url)).text();
    const stalling = fetch(`${url}/stall`);
    const id = (await out()).split(" ")[1]!;
    const stalled = JSON.parse(await err());
    expect(Math.abs(Date.now() - Date.parse(stalled.time))).toBeLessThan(5_000);
    expect(stalled).toMatchObject({ level: "error", message: "The event loop stands still", requestIds: [id] });
    expect(stalled.forMs).toBeGreaterThanOrEqual(2_000);
    expect(stalled.requestIds).not.toContain(before);
    expect(JSON.parse(await err())).toMatchObject({ message: "Event loop runs again", requestIds: [id] });
    expect(await (await stalling).text()).toBe(id);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  },
  30_000,
);

test.each(["native", "javascript"])(
  "for people the line is one without braces: %s thread",
  async (kind) => {
    const { child, out, err, url } = await start(3_500, kind, "pretty");
    const stalling = fetch(`${url}/stall`);
    const id = (await out()).split(" ")[1]!;
    expect(await err()).toMatch(
      new RegExp(`^\\d{2}:\\d{2}:\\d{2}\\.\\d{3} error The event loop stands still forMs=2\\d{3} requestIds=\\["${id}"\\]$`),
    );
    await stalling;
    child.kill("SIGKILL");
    await child.exited;
  },
  30_000,
);

test.each(["at once", "after it was logged"])(
  "SIGTERM ends a process that stands still: %s",
  async (when) => {
    const { child, out, err, url } = await start(600_000);
    fetch(`${url}/stall`).catch(() => {});
    await out();
    if (when === "at once") child.kill("SIGTERM");
    expect(JSON.parse(await err()).message).toBe("The event loop stands still");
    if (when !== "at once") child.kill("SIGTERM");
    expect(JSON.parse(await err()).message).toStartWith("Asked to stop while the event loop stands still");
    expect(await child.exited).toBe(143);
  },
  30_000,
);

test("while the event loop runs SIGTERM is the program's", async () => {
  const { child, out } = await start(0);
  child.kill("SIGTERM");
  expect(await out()).toBe("stopped gracefully");
  expect(await child.exited).toBe(0);
}, 30_000);
