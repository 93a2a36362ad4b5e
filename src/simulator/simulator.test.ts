// Tests of delivery faults, counts, recorded calls and the control endpoints.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Simulator, startSimulator } from "./simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.stop());
beforeEach(() => {
  simulator.reset();
  simulator.setOptions({ latencyMs: 0 });
});

const BODY = JSON.stringify({ contents: [{ parts: [{ text: "x" }] }] });
const generate = (key = "demo", signal?: AbortSignal, stream = false) =>
  fetch(`${simulator.geminiBaseUrl}/v1beta/models/gemini-2.5-flash-image:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`, {
    method: "POST",
    headers: { "x-goog-api-key": key },
    body: BODY,
    ...(signal ? { signal } : {}),
  });

/** What came over the wire before the socket closed. */
function rawGenerate(): Promise<string> {
  const request = `POST /gemini/v1beta/models/gemini-2.5-flash-image:generateContent?key=demo HTTP/1.1\r\nhost: x\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
  return new Promise((resolve, reject) => {
    let received = "";
    void Bun.connect({
      hostname: "127.0.0.1",
      port: Number(new URL(simulator.url).port),
      socket: {
        open: (socket) => void socket.write(request),
        data: (_, data) => {
          received += data.toString("latin1");
        },
        close: () => resolve(received),
        error: (_, error) => reject(error),
      },
    });
  });
}

describe("delivery faults", () => {
  test("lost: accepted, charged, and not one byte", async () => {
    simulator.setFaults("gemini.generate=lost");
    expect(await rawGenerate()).toBe("");
    expect(simulator.counts().total).toMatchObject({ requests: 1, accepted: 1, charged: 1, inFlight: 0 });
  });

  test("cut: some of the body, then the socket closes", async () => {
    simulator.setFaults("gemini.generate=cut");
    const received = await rawGenerate();
    expect(received).toStartWith("HTTP/1.1 200");
    expect(received.length).toBeGreaterThan(1000);
    expect(received).not.toEndWith("\r\n0\r\n\r\n");
    await expect(generate().then((response) => response.text())).rejects.toThrow();
  });

  test("cut strikes streams too", async () => {
    simulator.setFaults("gemini.generate=cut");
    const response = await generate("demo", undefined, true);
    await expect(response.text()).rejects.toThrow();
  });

  test("hang: counted as charged, in flight until the client leaves", async () => {
    simulator.setFaults("gemini.generate=hang");
    const leaving = new AbortController();
    const result = generate("demo", leaving.signal);
    while (simulator.counts().total.charged === 0) await Bun.sleep(1);
    expect(simulator.counts().secrets.demo).toMatchObject({ inFlight: 1, charged: 1 });
    leaving.abort();
    await expect(result).rejects.toThrow();
    while (simulator.counts().total.inFlight > 0) await Bun.sleep(1);
  });

  test("malformed: 200 that does not parse", async () => {
    simulator.setFaults("gemini.generate=malformed");
    const response = await generate();
    expect(response.status).toBe(200);
    await expect(response.json()).rejects.toThrow();
  });

  test("html: a page with 502", async () => {
    simulator.setFaults("gemini.models=html");
    const response = await fetch(`${simulator.geminiBaseUrl}/v1beta/models?key=demo`);
    expect(response.status).toBe(502);
    expect(response.headers.get("content-type")).toContain("text/html");
    expect(await response.text()).toStartWith("<!DOCTYPE html>");
  });

  test("slow: the same body in pieces", async () => {
    simulator.setFaults("gemini.generate=slow(1)");
    const response = await generate();
    let pieces = 0;
    let text = "";
    for await (const piece of response.body!) {
      pieces++;
      text += new TextDecoder().decode(piece);
    }
    expect(pieces).toBeGreaterThan(3);
    expect(JSON.parse(text).candidates).toHaveLength(1);
  });

  test("escapes change the spelling and not the value", async () => {
    const plain = await (await generate()).text();
    simulator.reset();
    simulator.setFaults("gemini.generate=escape-slash,gemini.generate=escape-padding");
    const escaped = await (await generate()).text();
    expect(plain).toContain('=="');
    expect(escaped).toContain('\\u003d\\u003d"');
    expect(escaped).toContain("\\/");
    expect(escaped).not.toMatch(/[^\\]\//);
    const parts = (text: string) => JSON.parse(text).candidates[0].content.parts;
    expect(parts(escaped)).toEqual(parts(plain));
  });

  test("latency holds the reply back: what was asked later comes first", async () => {
    simulator.setFaults("gemini.models=latency(15):once");
    const order: string[] = [];
    const list = async (name: string) => {
      await fetch(`${simulator.geminiBaseUrl}/v1beta/models?key=demo`);
      order.push(name);
    };
    const first = list("held back");
    while (simulator.counts().total.requests === 0) await Bun.sleep(1);
    await Promise.all([first, list("at once")]);
    expect(order).toEqual(["at once", "held back"]);
  });
});

test("stopping ends what hangs", async () => {
  const short = await startSimulator({ faults: "gemini.models=hang" });
  const response = fetch(`${short.geminiBaseUrl}/v1beta/models?key=demo`);
  while (short.counts().total.requests === 0) await Bun.sleep(1);
  await short.stop();
  await expect(response).rejects.toThrow();
});

test("faults that are not understood keep it from starting", async () => {
  await expect(startSimulator({ faults: "gemini.generate=nonsense" })).rejects.toThrow(/unknown fault/);
});

describe("counts", () => {
  test("keep secrets and operations apart, and the most that were in flight", async () => {
    simulator.setOptions({ latencyMs: 15 });
    await Promise.all(["a.1", "a.1", "a.2"].map(async (key) => (await generate(key)).text()));
    await fetch(`${simulator.geminiBaseUrl}/v1beta/models?key=a.1`);
    const { total, operations, secrets } = simulator.counts();
    expect(total).toEqual({ requests: 4, accepted: 3, charged: 3, inFlight: 0, maxInFlight: 3 });
    expect(operations).toEqual({
      "gemini.generate": { requests: 3, accepted: 3, charged: 3 },
      "gemini.models": { requests: 1, accepted: 0, charged: 0 },
    });
    expect(secrets["a.1"]).toEqual({ requests: 3, accepted: 2, charged: 2, inFlight: 0, maxInFlight: 2 });
  });
});

describe("recorded calls", () => {
  test("hold the parsed body with long base64 replaced, and no credentials outside of secret", async () => {
    const data = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47]), Buffer.alloc(600)]).toString("base64");
    await fetch(`${simulator.geminiBaseUrl}/v1beta/models/gemini-2.5-flash-image:generateContent?key=hidden`, {
      method: "POST",
      body: JSON.stringify({ contents: [{ parts: [{ inlineData: { mimeType: "image/png", data } }] }] }),
    });
    const [call] = simulator.calls();
    expect(call).toMatchObject({ operation: "gemini.generate", method: "POST", secret: "hidden", status: 200, faults: [] });
    expect(call!.path).not.toContain("hidden");
    expect(call!.body).toMatchObject({
      contents: [{ parts: [{ inlineData: { data: { bytes: 604, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } } }] }],
    });
  });

  test("an unknown path is 404 and recorded without operation", async () => {
    expect((await fetch(`${simulator.url}/nowhere`)).status).toBe(404);
    expect(simulator.calls()).toMatchObject([{ operation: null, path: "/nowhere", status: 404 }]);
  });
});

describe("control endpoints", () => {
  const control = (path: string, init?: RequestInit) => fetch(`${simulator.url}/__simulator/${path}`, init);

  test("change faults as text or JSON, and refuse what they do not understand", async () => {
    await control("faults", { method: "PUT", body: "gemini.generate=500" });
    expect((await generate()).status).toBe(500);
    await control("faults", { method: "PUT", body: JSON.stringify({ faults: "gemini.generate=503" }) });
    expect((await generate()).status).toBe(503);
    const refused = await control("faults", { method: "PUT", body: "gemini.generate=nonsense" });
    expect(refused.status).toBe(400);
    expect(((await refused.json()) as { error: string }).error).toContain("unknown fault");
    expect(await (await control("faults")).json()).toEqual({ faults: "gemini.generate=503" });
  });

  test("return counts and calls, and reset them", async () => {
    await (await generate()).text();
    expect(await (await control("counts")).json()).toEqual(JSON.parse(JSON.stringify(simulator.counts())));
    expect((await (await control("calls")).json()) as unknown[]).toHaveLength(1);
    await control("reset", { method: "POST" });
    expect(simulator.counts().total.requests).toBe(0);
    expect(simulator.calls()).toEqual([]);
  });

  test("change latency and options", async () => {
    expect(await (await control("latency", { method: "PUT", body: "12" })).json()).toMatchObject({ latencyMs: 12 });
    expect(
      await (await control("options", { method: "PUT", body: JSON.stringify({ latencyMs: 0, flowVideoReply: "operations" }) })).json(),
    ).toMatchObject({
      latencyMs: 0,
      flowVideoReply: "operations",
    });
    expect((await control("options", { method: "PUT", body: JSON.stringify({ latency: 1 }) })).status).toBe(400);
    const { now } = (await (await control("advance", { method: "POST", body: "3600000" })).json()) as { now: string };
    expect(Date.parse(now) - Date.now()).toBeGreaterThan(3_590_000);
    expect((await control("advance", { method: "POST", body: "soon" })).status).toBe(400);
    simulator.setOptions({ flowVideoReply: "workflows" });
  });
});
