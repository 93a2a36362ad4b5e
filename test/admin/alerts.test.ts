// Alerts in the admin: rules, channels with their tests, incidents, the bell, backups by schedule; no secret on any page.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { SECRETS, type StandIns, startStandIns } from "../alert-stand-ins.ts";
import { type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";

let rig: Rig;
let me: SignedIn;
let far: StandIns;
const HOME = "/admin/settings/alerts";

beforeAll(async () => {
  far = startStandIns();
  rig = await startRig({ settings: { "alerts.allow_private_hosts": ["127.0.0.1"] } });
  me = await signIn(rig);
}, 30_000);
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await far[Symbol.asyncDispose]();
});

const html = async (path: string) => (await me.get(path)).text();
const configOf = (config: Record<string, string>) =>
  Object.fromEntries(Object.entries(config).map(([name, value]) => [`config.${name}`, value]));
/** Adds a channel; returns its id. */
async function add(kind: string, name: string, config = far.config(kind)): Promise<string> {
  const response = await me.post(`${HOME}/channels`, { kind, name, enabled: "on", ...configOf(config) });
  expect([response.status, response.headers.get("location")]).toEqual([303, HOME]);
  return rig.context.alerts.channels().find((channel) => channel.name === name)!.id;
}

test("a rule is changed as a sentence, undone, and refused where a threshold is wrong, with what was typed", async () => {
  const page = await html(HOME);
  expect(page).toContain('name="value.healthy_tokens"');
  const values = { "value.healthy_tokens": "7", "value.quiet_from": "22:00", "value.quiet_to": "07:00" };
  const on = { "on.pool_low": "on", "on.errors": "on" };
  expect((await me.post(`${HOME}/rules`, { ...values, ...on })).status).toBe(303);
  const { alerts } = rig.context.settings.current();
  expect([alerts.healthy_tokens, alerts.quiet_from, alerts.rules_off.includes("disk"), alerts.rules_off.includes("errors")]).toEqual([
    7,
    "22:00",
    true,
    false,
  ]);
  const wrong = await me.post(`${HOME}/rules`, { ...values, ...on, "value.healthy_tokens": "many", form_page: HOME });
  const text = await wrong.text();
  expect([
    wrong.status,
    text.includes('value="many"'),
    /id="f-healthy_tokens-error" class="err"(?:(?!<\/li>).)*integer 1 to 100000/s.test(text),
  ]).toEqual([422, true, true]);
  await me.post("/admin/settings/undo");
  expect(rig.context.settings.current().alerts).toMatchObject({ healthy_tokens: 1, rules_off: [] });
});

test("a channel is added, tested, edited with its secret left as it is, paused and deleted; a mistake keeps what was typed", async () => {
  const form_page = `${HOME}/channels/new?kind=telegram`;
  const bad = await me.post(`${HOME}/channels`, {
    form_page,
    kind: "telegram",
    name: "ops",
    "config.url": "ftp://x",
    "config.chat": "-1001",
  });
  const text = await bad.text();
  expect([
    bad.status,
    text.includes('value="-1001"'),
    /id="f-config.token-error" class="err"(?:(?!<\/div>).)*This is needed\./s.test(text),
    text.includes("http://"),
  ]).toEqual([422, true, true, true]);
  const id = await add("telegram", "ops");
  await me.post(`${HOME}/channels/${id}/test`);
  expect(far.received.at(-1)).toMatchObject({ kind: "telegram", problem: null });
  expect(await html(HOME)).toContain("The test message was sent by ops.");
  const edited = await me.post(`${HOME}/channels/${id}`, {
    kind: "telegram",
    name: "ops 2",
    enabled: "on",
    "config.chat": "-1001",
    "config.thread": "7",
    "config.url": far.url,
    "rule.errors": "on",
  });
  expect(edited.status).toBe(303);
  await me.post(`${HOME}/channels/${id}/test`);
  expect(far.received.at(-1)).toMatchObject({ kind: "telegram", problem: null });
  expect(rig.context.alerts.channels()[0]).toMatchObject({ name: "ops 2", rules: ["errors"] });
  await me.post(`${HOME}/channels/${id}/pause`);
  expect(rig.context.alerts.channels()[0]).toMatchObject({ enabled: false });
  expect((await me.post(`${HOME}/channels/${id}/delete`)).status).toBe(303);
  expect(rig.context.alerts.channels()).toEqual([]);
});

test("a test button shows the far side's own error, also where it came with status 200", async () => {
  const id = await add("feishu", "运维", { ...far.config("feishu"), secret: "canary-wrong-secret" });
  await me.post(`${HOME}/channels/${id}/test`);
  const page = await html(HOME);
  expect(page).toContain("19021 sign match fail or timestamp is not within one hour");
  // It stands under "Needs you" until something is sent.
  expect(await html("/admin")).toContain("Alerts cannot be sent by 运维");
  await me.post(`${HOME}/channels/${id}/delete`);
});

test("incidents are on the page, in the bell, and in both languages", async () => {
  const now = Date.now();
  const facts = { kind: "tokens", provider: "gemini", reason: "key_invalid", count: 4, names: ["birch-2"], families: [] };
  const state = { facts, level: 0, urgent: false, changedAt: now, toldAt: now, toldLevel: 0 };
  await rig.context.store.saveIncidents(
    [
      {
        id: "inc_a",
        rule: "tokens_blocked",
        subject: "tokens:gemini:key_invalid",
        beganAt: now - 3_600_000,
        endedAt: now - 60_000,
        settled: true,
        state,
      },
    ],
    [],
  );
  const page = await html(HOME);
  expect(page).toContain("4 tokens of Gemini: key not valid");
  expect(await html(`${HOME}/incidents`)).toContain("birch-2");
  const chinese = await (await me.get(HOME, { "accept-language": "zh-CN" })).text();
  expect(chinese).toContain("Gemini 的 4 个令牌：密钥无效");
  expect(page).toContain('id="bell-menu"');
});

test("a sign-in from a new address is an incident, the first one and a known one are not", async () => {
  const note = (address: string) => rig.context.audit.record({ action: "session.open", subject: "admin" }, { address });
  const found = async () => (await rig.context.store.listIncidents({ limit: 99 })).filter(({ rule }) => rule === "sign_in").length;
  const before = await found();
  await note("203.0.113.9");
  await note("203.0.113.9");
  await note("2001:db8:1:2::1");
  await note("2001:db8:1:2::9");
  expect((await found()) - before).toBe(2);
});

test("backups are scheduled, made at once, listed, and a wrong number is refused beside its field", async () => {
  const wrong = await me.post("/admin/system/backup/schedule", {
    ...{ every_hours: "often", hour: "3", keep: "2", requests: "on" },
    form_page: "/admin/system/backup",
  });
  expect([wrong.status, (await wrong.text()).includes('value="often"')]).toEqual([422, true]);
  await me.post("/admin/system/backup/schedule", { every_hours: "24", hour: "3", keep: "2", requests: "on" });
  expect(rig.context.settings.current().backup).toMatchObject({ every_hours: 24, keep: 2 });
  expect((await me.post("/admin/system/backup/run")).status).toBe(303);
  const [name] = readdirSync(join(rig.folder, "backups"));
  expect(await html("/admin/system/backup")).toContain(name!);
  expect(rig.context.backups.state()).toMatchObject({ last: { ok: true, name } });
});

test("no secret of a channel is on a page, in the audit log or in the log", async () => {
  for (const kind of ["webhook", "slack", "telegram", "dingtalk", "ntfy", "bark", "ping"]) {
    const id = await add(kind, `my ${kind}`);
    far.faults.set(kind, [{ status: 400, text: `bad ${Object.values(far.config(kind)).join(" ")}` }]);
    await me.post(`${HOME}/channels/${id}/test`);
  }
  const pages = [HOME, "/admin", "/admin/system/audit", ...rig.context.alerts.channels().map(({ id }) => `${HOME}/channels/${id}`)];
  const text = (await Promise.all(pages.map(html))).join("\n") + rig.logged.join("\n");
  const audit = JSON.stringify(await rig.context.audit.list({ limit: 500 }));
  expect(audit).toContain("alert_channel.create");
  for (const secret of Object.values(SECRETS)) expect([secret, (text + audit).includes(secret)]).toEqual([secret, false]);
});
