// Usage page over HTTP: sums by each group, filters, order, CSV.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { AttemptRow } from "../../src/domain/request.ts";
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

  test("by reason counts what failed and was refused, each a link to its requests", async () => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
    const rows = await seedUse(rig, { count: 200 });
    const me = await signIn(rig);
    const page = async (path: string) => (await me.get(path.replaceAll("&amp;", "&"))).text();
    const failed = rows.filter(({ outcome }) => outcome === "upstream_timeout");
    const html = await page("/admin/usage?by=reason");
    const href = new RegExp(`href="(/admin/requests[^"]*outcome=upstream_timeout[^"]*)">${failed.length}<`).exec(html)![1]!;
    expect((await page(href)).match(/<tr id="request-/g)).toHaveLength(failed.length);
    expect(await page("/admin/usage?by=reason&key=1")).toContain("Upstream too slow");
    const calls = await page("/admin/usage?by=reason&token=1");
    const ofToken = /href="(\/admin\/requests\?token=1[^"]*reason=per_minute[^"]*)">(\d+)</.exec(calls)!;
    // Calls are counted, and a request may have had two: the list has each once.
    const isOne = ({ tokenId, outcome, reason }: AttemptRow) => tokenId === 1 && outcome !== "ok" && reason === "per_minute";
    expect(Number(ofToken[2])).toBe(rows.flatMap(({ attempts }) => attempts).filter(isOne).length);
    expect((await page(ofToken[1]!)).match(/<tr id="request-/g)).toHaveLength(rows.filter(({ attempts }) => attempts.some(isOne)).length);
  });

  test("each counted figure leads to the requests that it counts", async () => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
    const rows = await seedUse(rig, { count: 40 });
    const me = await signIn(rig);
    const page = async (path: string) => (await me.get(path.replaceAll("&amp;", "&"))).text();
    for (const by of ["model", "key", "token", "day"]) {
      const html = await page(`/admin/usage?by=${by}`);
      const links = [
        ...html.matchAll(/<td class="end"[^>]*data-label="(Requests|Calls|Errors)"[^>]*>.*?<a href="([^"]+)"><span class="nw">(\d+)</g),
      ];
      expect(links.length, by).toBeGreaterThan(1);
      for (const [, label, href, count] of links.slice(0, 4)) {
        const shown = (await page(href!)).match(/<tr id="request-/g)?.length ?? 0;
        // A call is one of a request's; a day of usage is that of the admission, a row's that of its end.
        if (by === "model" || by === "key") expect(shown, `${by} ${label} ${href}`).toBe(Number(count));
        else expect(shown, `${by} ${label} ${href}`).toBeGreaterThan(0);
      }
    }
    expect(rows).toHaveLength(40);
  });

  test("the list for billing has a row for each day, key and model, and the same as CSV", async () => {
    await using rig = await startRig();
    const rows = await seedUse(rig, { count: 300 });
    const me = await signIn(rig);
    const [head, ...lines] = (await (await me.get("/admin/usage/billing.csv?span=30")).text()).trim().split("\r\n");
    expect(head).toEndWith("day,key_id,key,model,requests,errors,images,video_seconds,input_tokens,output_tokens,usd");
    const sum = lines.reduce((all, line) => all + Number(line.split(",")[4]), 0);
    expect(sum).toBe(rows.length);
    const seen: string[] = [];
    for (let path = "/admin/usage/billing?span=30"; path !== ""; ) {
      const html = await (await me.get(path)).text();
      seen.push(...[...html.matchAll(/<tr id="bill-([^"]+)"/g)].map(([, id]) => id!));
      path = /href="([^"]*after=[^"]*)" rel="next"/.exec(html)?.[1]?.replaceAll("&amp;", "&") ?? "";
    }
    expect(seen).toEqual(
      lines.map((line) => {
        const [day, key, , model] = line.split(",");
        return `${day}-${key}-${model}`;
      }),
    );
  });
});
