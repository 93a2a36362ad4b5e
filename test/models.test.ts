// Models as data: a models file adds a family to everything that serves, prices and lists it, and changes while serving.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { AppError } from "../src/errors.ts";
import { playgroundModels } from "../src/gateway/playground/options.ts";
import { type Rig, startRig } from "./rig.ts";

const ID = "gemini-nano-banana-3";
const familyText = (more = "") => `[[family]]
id = "${ID}"
kind = "image"
title = "Nano Banana 3"
names = ["nb3"]

[family.providers.gemini]
aspects = ["1:1", "16:9", "4:5"]
sizes = ["1K", "2K"]
max_inputs = 4
${more}
`;
const PRICED = familyText("price.per_image = { 1K = 0.05, 2K = 0.08 }");
const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

const lastUsd = async (rig: Rig) => (await rig.context.requests.list({ limit: 1 }))[0]!.usd;
const google = (rig: Rig, path: string, json?: unknown) =>
  fetch(`${rig.url}${path}`, {
    headers: { "x-goog-api-key": rig.key, "content-type": "application/json" },
    ...(json ? { method: "POST", body: JSON.stringify(json) } : {}),
  });

describe("a family of the models file", () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({ models: PRICED, simulator: { newModels: [ID] } });
  });
  afterAll(async () => await rig[Symbol.asyncDispose]());

  test("is in the lists of both dialects", async () => {
    const openai = (await (await rig.call("/v1/models")).json()) as { data: { id: string }[] };
    expect(openai.data.map(({ id }) => id)).toContain(ID);
    const gemini = (await (await google(rig, "/v1beta/models?pageSize=1000")).json()) as { models: { name: string }[] };
    expect(gemini.models.map(({ name }) => name)).toContain(`models/${ID}`);
    expect((await google(rig, `/v1beta/models/${ID}`)).status).toBe(200);
  });

  test("is in the playground with its own aspects and sizes", () => {
    const model = playgroundModels(rig.context.catalogue(), rig.context.pool).find(({ id }) => id === ID);
    expect(model).toMatchObject({ kind: "image", aspects: ["1:1", "4:5", "16:9"], sizes: ["1K", "2K"], slots: [{ max: 4 }] });
  });

  test("is served on chat, and costs what the file says", async () => {
    expect((await rig.chat({ model: ID })).status).toBe(200);
    expect(await lastUsd(rig)).toBeCloseTo(0.05, 9);
    expect(rig.simulator.calls().at(-1)!.path).toContain(`models/${ID}:generateContent`);
  });

  test("is served by its other name", async () => {
    expect((await rig.chat({ model: "nb3-2k" })).status).toBe(200);
    expect(await lastUsd(rig)).toBeCloseTo(0.08, 9);
  });

  test("is served on images and edits", async () => {
    expect((await rig.call("/v1/images/generations", { json: { model: ID, prompt: "a fox" } })).status).toBe(200);
    const form = new FormData();
    form.append("model", ID);
    form.append("prompt", "at night");
    form.append("image", new Blob([PIXEL], { type: "image/png" }), "a.png");
    expect((await rig.call("/v1/images/edits", { method: "POST", body: form })).status).toBe(200);
  });

  test("is served on the Gemini dialect, with tokens counted", async () => {
    const contents = [{ role: "user", parts: [{ text: "a fox" }] }];
    expect((await google(rig, `/v1beta/models/${ID}:generateContent`, { contents })).status).toBe(200);
    expect((await google(rig, `/v1beta/models/${ID}:countTokens`, { contents })).status).toBe(200);
  });

  test("is named in the metrics", async () => {
    expect(await (await fetch(`${rig.url}/metrics`)).text()).toContain(ID);
  });
});

test("the executable's own catalogue does not have it", async () => {
  await using rig = await startRig({ simulator: { newModels: [ID] } });
  expect((await rig.chat({ model: ID })).status).toBe(404);
});

describe("a file that changes while serving", () => {
  test("is in force with the next check, and gone with the file", async () => {
    await using rig = await startRig({ simulator: { newModels: [ID] } });
    writeFileSync(rig.modelsFile, PRICED);
    await rig.reload();
    expect((await rig.chat({ model: ID })).status).toBe(200);
    writeFileSync(rig.modelsFile, familyText("price.per_image = { 1K = 0.07 }"));
    await rig.reload();
    await rig.chat({ model: ID });
    expect(await lastUsd(rig)).toBeCloseTo(0.07, 9);
    rmSync(rig.modelsFile);
    await rig.reload();
    expect((await rig.chat({ model: ID })).status).toBe(404);
  });

  test("when wrong leaves the models as they were, and is reported with its path until it is right", async () => {
    await using rig = await startRig({ models: PRICED, simulator: { newModels: [ID] } });
    writeFileSync(rig.modelsFile, PRICED.replace("4:5", "4:6"));
    await rig.reload();
    expect((await rig.chat({ model: ID })).status).toBe(200);
    const path = `config/models.toml: family[${ID}].providers.gemini.aspects[2]: expected one of`;
    expect(rig.context.models.problems.file).toStartWith(path);
    expect(rig.logged.filter((line) => line.includes("The models file is wrong"))).toHaveLength(1);
    writeFileSync(rig.modelsFile, PRICED);
    await rig.reload();
    expect(rig.context.models.problems.file).toBeNull();
  });

  test("when wrong at the start refuses it with its path", async () => {
    const start = startRig({ models: PRICED.replace("max_inputs = 4", 'max_inputs = "four"') });
    const error = await start.catch((failure) => failure);
    expect(error).toBeInstanceOf(AppError);
    const got = `config/models.toml: family[${ID}].providers.gemini.max_inputs: expected a whole number 0 to 1000, got "four"`;
    expect((error as AppError).message).toBe(got);
  });
});

describe("money", () => {
  const limited = (rig: Rig, usd: number) =>
    rig.context.store
      .updateKey(1, { limits: { ...rig.context.keys.get(1)!.limits, usd: { day: usd, month: null, total: null } } })
      .then(() => rig.reload());

  test("a family without a price costs the dearest of its kind, against a limit too", async () => {
    await using rig = await startRig({ models: familyText(), simulator: { newModels: [ID] } });
    await limited(rig, 0.2);
    expect((await rig.chat({ model: ID })).status).toBe(200);
    expect(await lastUsd(rig)).toBeCloseTo(0.134, 9);
    const refused = await rig.chat({ model: ID });
    expect(refused.status).toBe(429);
    expect(rig.simulator.counts().total.charged).toBe(1);
    expect(rig.logged.join("\n")).toContain("Models without a price cost the dearest of their kind");
  });

  test("a price of nothing that the operator writes down is his word", async () => {
    await using rig = await startRig({ models: familyText("price.per_image = { 1K = 0, 2K = 0 }"), simulator: { newModels: [ID] } });
    await limited(rig, 0.2);
    for (let count = 0; count < 3; count++) expect((await rig.chat({ model: ID })).status).toBe(200);
  });
});

describe("a model that only a token's list names", () => {
  const check = async (rig: Rig) => {
    await rig.context.tokens.check((await rig.context.store.listTokens())[0]!, new AbortController().signal);
    await rig.reload();
  };

  test("is found by the check, switched off until the operator says yes, and stays after a restart", async () => {
    await using rig = await startRig({ simulator: { newModels: [ID, "gemini-omni-9"] } });
    await check(rig);
    expect(rig.context.catalogue().foundOf(ID)).toMatchObject({ kind: "image", provider: "gemini" });
    expect(rig.context.catalogue().foundOf("gemini-omni-9")).toMatchObject({ kind: "video" });
    const off = await rig.chat({ model: ID });
    expect([off.status, await off.text()]).toEqual([404, expect.stringContaining("is switched off on this server")]);
    expect(await (await rig.call("/v1/models?all=true")).text()).not.toContain(ID);
    await rig.stopGateway();
    await using again = await startRig({ folder: rig.folder, tokens: [], simulator: { newModels: [ID] } });
    expect(again.context.catalogue().foundOf(ID)).not.toBeNull();
  });

  test("is served at once where the setting says so, and costs the dearest of its kind", async () => {
    await using rig = await startRig({ simulator: { newModels: [ID] }, settings: { "models.adopt": "auto" } });
    await check(rig);
    expect((await rig.chat({ model: ID })).status).toBe(200);
    expect(await lastUsd(rig)).toBeCloseTo(0.134, 9);
  });

  test("is left out where the setting says so", async () => {
    await using rig = await startRig({ simulator: { newModels: [ID] }, settings: { "models.adopt": "off" } });
    await check(rig);
    expect(rig.context.catalogue().familyOf(ID)).toBeNull();
  });
});
