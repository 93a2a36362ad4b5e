// Recorded answers of the vendor where the pool has another way: the next token, the successor, the same token without a signature.
import { expect, setDefaultTimeout, test } from "bun:test";
import { NO_QUOTA_MESSAGE } from "../../src/errors.ts";
import { FLOW, type Gateway, GEMINI, GEMINI_TWO, startGateway } from "./gateway.ts";
import { type Answer, readRecorded } from "./stand-in.ts";

setDefaultTimeout(30_000);

const answersOf = (name: string): Answer[] => readRecorded().find(([known]) => known === name)![1].answers;
const chat = ({ openai }: Gateway, content = "a fox", model = "gemini-3.1-flash-image") =>
  openai("/v1/chat/completions", { model, messages: [{ role: "user", content }] });
const states = ({ context }: Gateway) =>
  context.pool
    .snapshot()
    .map(({ health }) => [health.state, health.reason].filter(Boolean).join(" "))
    .sort();

test.each([
  ["429-prepayment-depleted", "blocked billing"],
  ["429-spending-cap", "blocked billing"],
  ["403-billing-disabled", "blocked billing"],
  ["finish-pup-limited-disabled", "blocked restricted"],
  ["403-leaked", "blocked key_leaked"],
  ["499-cancelled-array", "healthy"],
  ["409-aborted", "healthy"],
])("%s of one token: the other serves at once", async (name, state) => {
  await using gateway = await startGateway([GEMINI, GEMINI_TWO]);
  gateway.standIn.load({ at: "gemini.generate", answers: answersOf(name).slice(0, 1), after: "well" });
  expect((await chat(gateway)).status).toBe(200);
  expect(gateway.standIn.generating()).toBe(2);
  expect(states(gateway)).toEqual([state, "healthy"].sort());
});

test("what an account counted before it refused is told with the result of the next", async () => {
  await using gateway = await startGateway([GEMINI, GEMINI_TWO]);
  gateway.standIn.load({ at: "gemini.generate", answers: answersOf("finish-pup-limited-disabled"), after: "well" });
  const response = await gateway.gemini("/v1beta/models/gemini-3.1-flash-image:generateContent", {
    contents: [{ parts: [{ text: "a fox" }] }],
  });
  const { usageMetadata } = (await response.json()) as { usageMetadata: { totalTokenCount: number } };
  expect(usageMetadata.totalTokenCount).toBe(1129 + 9);
});

test("a group without money is held as a whole, and another group serves", async () => {
  await using gateway = await startGateway([
    { ...GEMINI, group: "one" },
    { ...GEMINI_TWO, group: "one" },
    { provider: "gemini", label: "gamma", secret: "gamma-key", group: "two" },
  ]);
  gateway.standIn.load({ at: "gemini.generate", answers: answersOf("429-spending-cap"), after: "well" });
  for (let times = 0; times < 4 && states(gateway)[0] !== "blocked billing"; times++) {
    gateway.standIn.load({ at: "gemini.generate", answers: answersOf("429-spending-cap"), after: "well" });
    expect((await chat(gateway)).status).toBe(200);
  }
  const blocked = states(gateway).filter((state) => state === "blocked billing").length;
  expect([1, 2]).toContain(blocked);
  expect(gateway.lines.some((line) => line.includes("Token needs the operator") && line.includes("billing"))).toBe(true);
});

test("no quota for a model: the same words each time, and the model leaves the lists", async () => {
  await using gateway = await startGateway([GEMINI]);
  const list = async () =>
    ((await (await gateway.openai("/v1/models?all=true")).json()) as { data: { id: string }[] }).data.map(({ id }) => id);
  gateway.standIn.load({ at: "gemini.generate", answers: answersOf("429-limit-zero") });
  expect(await list()).toContain("gemini-2.5-flash-image");
  const told: unknown[] = [];
  for (let times = 0; times < 9; times++) {
    const response = await chat(gateway, "a fox", "gemini-2.5-flash-image");
    told.push([response.status, await response.json()]);
  }
  expect(JSON.stringify(told[0])).toContain(NO_QUOTA_MESSAGE);
  expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1);
  // Families that may stand in are asked once each.
  expect(gateway.standIn.generating()).toBeLessThanOrEqual(5);
  expect(await list()).not.toContain("gemini-2.5-flash-image");
});

test("a signature goes to the account that made it and to no other", async () => {
  await using gateway = await startGateway([GEMINI, GEMINI_TWO]);
  const { standIn } = gateway;
  const signed = JSON.parse(JSON.stringify(answersOf("finish-stop-text")));
  signed[0].json.candidates[0].content.parts = [{ text: "Here.", thoughtSignature: "c2lnbmVk" }];
  standIn.load({ at: "gemini.generate", answers: signed, after: "well" });
  const model = "/v1beta/models/gemini-3.1-flash-image:generateContent";
  const first = (await (await gateway.gemini(model, { contents: [{ role: "user", parts: [{ text: "a fox" }] }] })).json()) as {
    candidates: { content: { parts: object[] } }[];
  };
  const contents = [
    { role: "user", parts: [{ text: "a fox" }] },
    { role: "model", parts: first.candidates[0]!.content.parts },
    { role: "user", parts: [{ text: "now blue" }] },
  ];
  const maker = gateway.context.pool.snapshot().find(({ usedAt }) => usedAt !== null)!;
  // Its account is out of quota for the second turn.
  standIn.load({ at: "gemini.generate", answers: answersOf("429-per-day"), after: "well" });
  await gateway.gemini(model, { contents });
  const [own, other] = standIn.bodies.map((body) => JSON.stringify(body).includes("c2lnbmVk"));
  expect([maker.usedAt !== null, own ?? null, other ?? null]).toEqual([true, true, false]);
});

test.each(["400-signature-corrupted", "400-signature-invalid", "400-signature-not-valid"])(
  "%s: once more without any, on the same token",
  async (name) => {
    await using gateway = await startGateway([GEMINI]);
    gateway.standIn.load({ at: "gemini.generate", answers: answersOf(name), after: "well" });
    const contents = [
      { role: "user", parts: [{ text: "a fox" }] },
      { role: "model", parts: [{ text: "Here.", thoughtSignature: "c29tZWJvZHkgZWxzZQ" }] },
      { role: "user", parts: [{ text: "now blue" }] },
    ];
    const response = await gateway.gemini("/v1beta/models/gemini-3.1-flash-image:generateContent", { contents });
    expect(response.status).toBe(200);
    expect(gateway.standIn.bodies.map((body) => JSON.stringify(body).includes("thoughtSignature"))).toEqual([true, false]);
    expect(states(gateway)).toEqual(["healthy"]);
  },
);

test("a retired video model is served by its successor within the job, and a header says so", async () => {
  await using gateway = await startGateway([GEMINI]);
  gateway.standIn.load({ at: "gemini.interaction", answers: answersOf("interaction-create-retired"), after: "well" });
  const started = await gateway.openai("/v1/videos", { model: "gemini-omni-1.1-flash", prompt: "waves", seconds: "8" });
  const { id } = (await started.json()) as { id: string };
  let response = await gateway.openai(`/v1/videos/${id}`);
  let status = ((await response.clone().json()) as { status: string }).status;
  for (let tries = 0; tries < 400 && status !== "completed" && status !== "failed"; tries++) {
    await Bun.sleep(10);
    response = await gateway.openai(`/v1/videos/${id}`);
    status = ((await response.clone().json()) as { status: string }).status;
  }
  expect(status).toBe("completed");
  expect(response.headers.get("x-flow2api-successor")).toBe('gemini-omni-1.2-flash; for="gemini-omni-1.1-flash"');
  expect(gateway.standIn.bodies.flatMap((body) => (body as { model?: string } | null)?.model ?? [])).toEqual([
    "gemini-omni-1.1-flash",
    "gemini-omni-1.2-flash",
  ]);
  // Known from now on: the next request does not ask for it.
  const next = await gateway.openai("/v1/videos", { model: "gemini-omni-1.1-flash", prompt: "more waves", seconds: "8" });
  expect(next.headers.get("x-flow2api-successor")).toContain("gemini-omni-1.2-flash");
});

test("Flow's word of a refused account does not reach another provider's token", async () => {
  await using gateway = await startGateway([FLOW, GEMINI]);
  gateway.standIn.load({ at: "flow.image", answers: answersOf("flow-verification-unusual") });
  for (let times = 0; times < 3; times++) expect((await chat(gateway)).status).toBe(200);
  expect(gateway.context.pool.snapshot().find(({ provider }) => provider === "gemini")!.health.state).toBe("healthy");
});
