// The simulator refuses wrong requests as Google does, and nothing that the adapters send is among them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { WRONG_REQUESTS } from "./wrong-requests.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ latencyMs: 0 });
});
afterAll(() => simulator.stop());

const origin = () => new URL(simulator.geminiBaseUrl).origin;

test("there are at least 59 of them", () => {
  expect(WRONG_REQUESTS.length).toBeGreaterThanOrEqual(59);
  expect(new Set(WRONG_REQUESTS.map(({ name }) => name)).size).toBe(WRONG_REQUESTS.length);
});

describe("a wrong request", () => {
  test.each(WRONG_REQUESTS.map((wrong) => [wrong.name, wrong] as const))("%s", async (_, { path, body, raw, headers, method, refused }) => {
    const [status, word, says] = refused;
    const response = await fetch(`${origin()}${path}`, {
      method: method ?? "POST",
      headers: { "content-type": "application/json", "x-goog-api-key": "strict-project.key", ...headers },
      ...(method === "GET" || method === "DELETE" ? {} : { body: raw ?? JSON.stringify(body) }),
    });
    const text = await response.text();
    const { error } = JSON.parse(text) as { error?: { status?: string; code: unknown; message: string } };
    expect([response.status, error?.status ?? error?.code]).toEqual([status, word]);
    expect(error?.message).toContain(says ?? "");
  });

  test("costs nothing", () => {
    expect(simulator.counts().total).toMatchObject({ accepted: 0, charged: 0 });
  });
});
