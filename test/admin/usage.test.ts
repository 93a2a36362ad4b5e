// Usage page over HTTP: sums by each group, filters, order, CSV.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { GEMINI, GEMINI_TWO, startRig } from "../rig.ts";
import { signIn } from "./admin.ts";
import { seedUse } from "./seed.ts";

/** A whole gateway starts and stops in each. */
setDefaultTimeout(30_000);

describe("usage", () => {
  test("sums what was logged, by day, model, key and token", async () => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
    const rows = await seedUse(rig, { count: 120 });
    const me = await signIn(rig);
    const page = async (query: string) => (await me.get(`/admin/usage?${query}`)).text();
    expect(await page("")).toContain(">Last 30 days<");
    expect(/demo<\/a>.*?>120</s.test(await page("by=key"))).toBe(true);
    for (const model of new Set(rows.map((row) => row.model))) expect(await page("by=model")).toContain(`id="sum-model-${model}"`);
    expect(await page("by=token")).toContain("alpha");
    const failed = rows.filter(({ outcome }) => outcome !== "ok").length;
    expect(await page("by=key")).toContain(`${((100 * failed) / 120).toFixed(1).replace(".0", "")}% failed`);
  });

  test("of one key has no tokens, of one token no keys", async () => {
    await using rig = await startRig();
    await seedUse(rig, { count: 30 });
    const me = await signIn(rig);
    const html = await (await me.get("/admin/usage?key=1&by=token")).text();
    expect(html).toContain("Key: demo");
    expect(html).not.toContain("By token");
    const other = await (await me.get("/admin/usage?token=1&by=key")).text();
    expect(other).toContain("Token: alpha");
    expect(other).not.toContain("By key");
  });

  test("as CSV has every row, under a name of its own", async () => {
    await using rig = await startRig();
    const rows = await seedUse(rig, { count: 60 });
    const me = await signIn(rig);
    const response = await me.get("/admin/usage/csv?by=model&span=30&sort=group&order=asc");
    expect(response.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(response.headers.get("content-disposition")).toMatch(
      /^attachment; filename="usage-by-model-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv"$/,
    );
    const [head, ...lines] = (await response.text()).trim().split("\r\n");
    expect(head).toContain("model,requests,errors");
    const sums = Object.fromEntries(lines.map((line) => [line.split(",")[0]!, Number(line.split(",")[1])]));
    expect(sums).toEqual(Object.fromEntries([...Map.groupBy(rows, (row) => row.model)].map(([model, of]) => [model, of.length])));
    expect(Object.keys(sums)).toEqual(Object.keys(sums).toSorted());
  });

  test("before anything was generated says so", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    expect(await (await me.get("/admin/usage")).text()).toContain("Nothing was generated in this span.");
    expect((await me.get("/admin/usage?span=custom&from=x&key=abc&model=%3Cb%3E")).status).toBe(200);
  });
});
