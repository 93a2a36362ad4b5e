// Metrics of a server that has served: what each counts, and what alerts and dashboard ask of them; with Prometheus' own checker.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HEALTH_REASONS } from "../src/gateway/pool/health/reasons.ts";
import { temporaryFolder } from "../src/testing.ts";
import { hasPromtool, promtool } from "./promtool.ts";
import { FLOW, GEMINI, GEMINI_TWO, hurriedClock, type Rig, startRig } from "./rig.ts";

let rig: Rig;
let text: string;

/** Labels and value of each sample of a metric. */
const samplesOf = (name: string) =>
  [...text.matchAll(new RegExp(`^${name}(?:\\{([^}]*)\\})? (\\S+)$`, "gm"))].map(([, labels = "", value]) => ({
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label!, text!])),
    value: Number(value),
  }));

const sum = (name: string, labels: Record<string, string> = {}) =>
  samplesOf(name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((total, { value }) => total + value, 0);

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, GEMINI_TWO, { ...FLOW, denyFamilies: ["gemini-3.1-flash-image"] }], clock: hurriedClock() });
  await (await rig.chat()).text();
  await (await rig.chat({ n: 2 })).text();
  rig.simulator.setFaults("gemini.generate=429-minute:once");
  await (await rig.chat()).text();
  rig.simulator.setFaults("gemini.generate=safety:once");
  await (await rig.chat()).text();
  rig.simulator.setFaults("flow.image=verification:once");
  await (await rig.chat({ model: "imagen-4.0-generate-preview-landscape" })).text();
  rig.simulator.setFaults("");
  await (await rig.chat({ model: "no-such-model-of-a-client" })).text();
  const { id } = await (await rig.call("/v1/videos", { json: { model: "gemini-omni-1.2-flash", prompt: "a fox", seconds: "4" } })).json();
  for (let polls = 0; polls < 500; polls++) {
    const { status } = await (await rig.call(`/v1/videos/${id}`)).json();
    if (status === "completed" || status === "failed") break;
    await Bun.sleep(10);
  }
  await rig.context.refresher.checkNow(1);
  text = await (await fetch(`${rig.url}/metrics`)).text();
});

afterAll(() => rig[Symbol.asyncDispose]());

const GEMINI_IMAGE = { provider: "gemini", model: "gemini-3.1-flash-image" };

test("generations are counted by kind, provider, model and result", () => {
  expect(sum("flow2api_generation_requests_total", { generation_type: "image", ...GEMINI_IMAGE, result: "ok" })).toBe(3);
  expect(sum("flow2api_generation_requests_total", { ...GEMINI_IMAGE, result: "content_policy" })).toBe(1);
  expect(sum("flow2api_generation_requests_total", { generation_type: "video", provider: "gemini", result: "ok" })).toBe(1);
});

test("their durations have the same labels", () => {
  expect(sum("flow2api_generation_duration_seconds_count", { generation_type: "image", ...GEMINI_IMAGE })).toBe(4);
  expect(sum("flow2api_generation_duration_seconds_count", { generation_type: "video", model: "gemini-omni-1.2-flash" })).toBe(1);
});

test("upstream calls are counted by provider, model and result, those that were tried again too", () => {
  expect(sum("flow2api_upstream_attempts_total", { ...GEMINI_IMAGE, result: "ok" })).toBeGreaterThanOrEqual(4);
  expect(sum("flow2api_upstream_attempts_total", { ...GEMINI_IMAGE, result: "upstream_rate_limited" })).toBe(1);
});

test("media made are counted by kind, provider and model, videos in seconds too", () => {
  expect(sum("flow2api_media_made_total", { kind: "image", ...GEMINI_IMAGE })).toBe(4);
  expect(sum("flow2api_media_made_total", { kind: "video", provider: "gemini", model: "gemini-omni-1.2-flash" })).toBe(1);
  expect(sum("flow2api_video_seconds_total", { provider: "gemini", model: "gemini-omni-1.2-flash" })).toBe(4);
});

test("the cost is that of the request log", async () => {
  const rows = await rig.context.requests.list({ limit: 50 });
  const logged = rows.reduce((total, { usd }) => total + usd, 0);
  expect(logged).toBeGreaterThan(0);
  expect(sum("flow2api_cost_usd_total")).toBeCloseTo(logged, 9);
  expect(sum("flow2api_cost_usd_total", { provider: "gemini", model: "gemini-omni-1.2-flash" })).toBeGreaterThan(0);
});

test("cooldowns are counted by reason", () => {
  expect(sum("flow2api_token_cooldowns_total", { provider: "gemini", reason: "per_minute" })).toBe(1);
});

test("tokens that cool down or are blocked now are shown by reason", () => {
  expect(sum("flow2api_tokens_cooling", { provider: "flow", reason: "verification" })).toBe(1);
  expect(sum("flow2api_tokens")).toBe(3);
});

test("nothing that a client wrote and nothing of a token is a label", () => {
  expect(text).not.toContain("no-such-model");
  for (const { label, secret } of [GEMINI, GEMINI_TWO, FLOW]) {
    expect(text).not.toContain(`"${label === "flow" ? "flow-session" : label}"`);
    expect(text).not.toContain(secret);
  }
});

test("only counters end in _total", () => {
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!] as const);
  expect(types.length).toBeGreaterThan(15);
  expect(types.filter(([name, type]) => name.endsWith("_total") !== (type === "counter"))).toEqual([]);
});

test.skipIf(!hasPromtool)("promtool finds nothing in them", async () => {
  expect(await promtool(["check", "metrics"], text)).toEqual({ code: 0, output: "" });
});

// What is handed to Prometheus and Grafana, held against what the server counts.

type Rule = { alert: string; expr: string; labels: Record<string, string>; annotations: Record<string, string> };
type RuleTest = { alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[] };
type Panel = {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
};
type Variable = { name: string; definition?: string };

const deploy = (file: string) => join(import.meta.dir, "..", "deploy", file);
const { groups } = Bun.YAML.parse(readFileSync(deploy("alerts.yml"), "utf8")) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const ruleTests = (Bun.YAML.parse(readFileSync(deploy("alerts_test.yml"), "utf8")) as { tests: RuleTest[] }).tests;
const dashboard = JSON.parse(readFileSync(deploy("grafana.json"), "utf8")) as { panels: Panel[]; templating: { list: Variable[] } };
const panelExprs = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));
const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...panelExprs,
  ...dashboard.templating.list.flatMap(({ name, definition }) => (definition ? [[name, definition] as const] : [])),
];

/** Every name of a series, with the labels that one of it has. */
const seriesOf = (scraped: string) => {
  const found = new Map<string, Set<string>>();
  for (const [, name, labels = ""] of scraped.matchAll(/^(\w+)(?:\{([^}]*)\})? \S+$/gm)) {
    const known = found.get(name!) ?? new Set(["instance"]);
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label!);
    found.set(name!, known);
  }
  return found;
};

test.each(expressions)("%s asks for series and labels that there are", async (_title, expr) => {
  const series = seriesOf(text);
  const asked = [...expr.matchAll(/\b(flow2api_\w+)(?:\{([^}]*)\})?/g)];
  expect(asked.length).toBeGreaterThan(0);
  for (const [, name, selector = ""] of asked) {
    expect([name, series.has(name!)]).toEqual([name, true]);
    const labels = [...selector.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label]) => label!);
    expect(labels.filter((label) => !series.get(name!)!.has(label))).toEqual([]);
  }
  const all = new Set(asked.flatMap(([, name]) => [...series.get(name!)!]));
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/, */));
  expect(grouped.filter((label) => !all.has(label))).toEqual([]);
  const results = [...expr.matchAll(/result[=!]~"([^"]*)"/g)].flatMap(([, list]) => list!.split("|"));
  const kinds = `${readFileSync(join(import.meta.dir, "../src/errors.ts"), "utf8")} "ok" "internal" "upstream_.*"`;
  expect(results.filter((result) => !kinds.includes(`"${result}"`))).toEqual([]);
});

test("every alert has a time at which it fires and one at which it does not", () => {
  const tested = ruleTests.flatMap((one) => one.alert_rule_test);
  for (const { alert } of rules) {
    const own = tested.filter(({ alertname }) => alertname === alert);
    expect([alert, own.some((one) => one.exp_alerts), own.some((one) => !one.exp_alerts)]).toEqual([alert, true, true]);
  }
});

test("the alert for the operator names every reason that only the operator ends", () => {
  const { expr } = rules.find(({ alert }) => alert === "Flow2apiTokenNeedsOperator")!;
  const named = /reason=~"([^"]*)"/.exec(expr)![1]!.split("|");
  const reasons = Object.entries(HEALTH_REASONS).filter(([, { cause }]) => cause === "operator");
  expect(named.sort()).toEqual(reasons.map(([reason]) => reason).sort());
});

test("every metric of the server is on the dashboard", () => {
  const shown = panelExprs.map(([, expr]) => expr).join();
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
  expect(names.filter((name) => !shown.includes(name))).toEqual([]);
});

test("every metric and its labels are in docs/metrics.md, and nothing else is", () => {
  const page = readFileSync(join(import.meta.dir, "../docs/metrics.md"), "utf8");
  const named = page.split("\n").flatMap((line) => (line.startsWith("| `") ? [...line.split("|")[1]!.matchAll(/`(\w+)`/g)] : []));
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
  expect(named.map(([, name]) => name!).sort()).toEqual(names.sort());
  for (const [name, labels] of seriesOf(text)) {
    const base = name.replace(/_(bucket|sum|count)$/, "");
    const line = page.split("\n").find((row) => row.startsWith("| `") && row.split("|")[1]!.includes(`\`${base}\``))!;
    const shown = line.split("|")[2]!;
    expect([...labels].filter((label) => label !== "instance" && label !== "le" && !shown.includes(`\`${label}\``))).toEqual([]);
  }
});

test("panels have ids of their own and do not lie upon each other", () => {
  const { panels } = dashboard;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
});

test.skipIf(!hasPromtool)("promtool accepts the alerts, and their tests pass", async () => {
  expect(await promtool(["check", "rules", deploy("alerts.yml")])).toMatchObject({ code: 0 });
  expect(await promtool(["test", "rules", deploy("alerts_test.yml")])).toMatchObject({ code: 0 });
});

test.skipIf(!hasPromtool)("promtool parses every expression of the dashboard", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "panels.yml");
  const records = panelExprs.map(([, expr], index) => ({
    record: `panel:${index}`,
    expr: expr.replaceAll("$__rate_interval", "5m").replaceAll(/\$\w+/g, ".*"),
  }));
  await Bun.write(file, JSON.stringify({ groups: [{ name: "panels", rules: records }] }));
  expect(await promtool(["check", "rules", file])).toMatchObject({
    code: 0,
    output: expect.stringContaining(`${records.length} rules found`),
  });
});
