// Jobs pages over HTTP: lists, live rows, decisions, details.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { JobRow } from "../../src/db/jobs.ts";
import { newId } from "../../src/ids.ts";
import { FLOW, GEMINI, hurriedClock, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";

let rig: Rig;
let admin: SignedIn;
let done: JobRow;

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, FLOW], clock: hurriedClock() });
  admin = await signIn(rig);
  const body = { prompt: "a <i>paper</i> boat", model: "gemini-omni-1.2-flash", seconds: 5 };
  done = await ended(((await (await rig.call("/v1/videos", { json: body })).json()) as { id: string }).id);
});
afterAll(() => rig[Symbol.asyncDispose]());

async function ended(id: string): Promise<JobRow> {
  for await (const _ of (await rig.context.jobs.watch(id, null, AbortSignal.timeout(20_000)))!);
  return (await rig.context.store.getJob(id))!;
}

/** A job as if this server had come upon it. */
async function addJob(change: Partial<JobRow>): Promise<JobRow> {
  const job = { ...done, id: `video_${newId()}`, requestId: newId(), mediaIds: [], ...change };
  await rig.context.store.insertJob(job);
  return job;
}

const show = async (path = "") => (await admin.get(`/admin/jobs${path}`)).text();
const idsIn = (html: string) => [...html.matchAll(/id="job-((?:video|image)_[a-z2-7]{26})"/g)].map((match) => match[1]!);
const UNKNOWN = { kind: "upstream_unknown_outcome", message: "Nobody answered.", reason: null, detail: null, charged: true } as const;

describe("the list", () => {
  test("is narrowed by state, kind and key, and its pages go on", async () => {
    const failed = await addJob({
      state: "failed",
      prompt: "refused",
      error: { ...UNKNOWN, kind: "content_policy", message: "No such thing." },
    });
    expect(idsIn(await show("?state=failed"))).toEqual([failed.id]);
    expect(await show("?state=failed")).toContain("No such thing.");
    expect(idsIn(await show("?state=completed&kind=video&key=1"))).toEqual([done.id]);
    expect(idsIn(await show("?kind=image"))).toEqual([]);
    expect(idsIn(await show("?key=99"))).toEqual([]);
    expect(idsIn(await show("?state=nonsense"))).toContain(done.id);
    expect(idsIn(await show(`?after=${failed.id}`))).toEqual([done.id]);
  });

  test("escapes what clients wrote", async () => {
    expect(await show()).toContain("a &lt;i>paper&lt;/i> boat");
  });
});

describe("a row", () => {
  test("asks for its state while the job is under way, and is shown whole when that is over", async () => {
    const job = await addJob({ state: "running", progress: 40, endedAt: null });
    const state = await (await admin.get(`/admin/jobs/${job.id}/state`)).text();
    expect(state).toContain(`hx-get="/admin/jobs/${job.id}/state"`);
    expect(state).toContain('value="40"');
    await rig.context.store.updateJob(job.id, ["running"], { state: "cancelled", endedAt: Date.now() });
    const last = await admin.get(`/admin/jobs/${job.id}/state`);
    expect(last.headers.get("hx-retarget")).toBe(`#job-${job.id}`);
    const html = await last.text();
    expect(html).toContain("<tr");
    expect(html).not.toContain("hx-trigger");
  });
});

describe("what can be done", () => {
  test.each([
    ["charged", { charged: "on", confirmed: "charged" }, true],
    ["not charged", { confirmed: "free" }, false],
  ])("an unknown outcome is decided: %s", async (_, fields, charged) => {
    const job = await addJob({ state: "unknown", endedAt: null, charged: true, error: UNKNOWN });
    expect(await show(`/${job.id}`)).toContain("Was this charged?");
    const asked = await admin.htmx(`/admin/jobs/${job.id}/decide`, charged ? { charged: "on" } : {});
    expect([asked.headers.get("hx-retarget"), /book \$|give \$/.test(await asked.text())]).toEqual(["#question", true]);
    expect(await rig.context.store.getJob(job.id)).toMatchObject({ state: "unknown" });
    const response = await admin.htmx(`/admin/jobs/${job.id}/decide`, fields as Record<string, string>);
    expect(await response.text()).toContain(`id="job-${job.id}"`);
    expect(await rig.context.store.getJob(job.id)).toMatchObject({ state: "failed", charged });
    expect((await rig.context.audit.list({ limit: 1 }))[0]).toMatchObject({ action: "job.decide", after: { charged } });
    expect((await admin.post(`/admin/jobs/${job.id}/decide`, fields as Record<string, string>)).status).toBe(409);
  });

  test("a queued job is cancelled", async () => {
    const job = await addJob({ state: "queued", endedAt: null, charged: false, tokenId: null });
    const response = await admin.post(`/admin/jobs/${job.id}/cancel`);
    expect(response.headers.get("location")).toBe(`/admin/jobs/${job.id}`);
    expect((await rig.context.store.getJob(job.id))!.state).toBe("cancelled");
    expect(await show(`/${job.id}`)).toContain("Cancelled.");
  });

  test("an ended job is made again as a new one, with the same order", async () => {
    const response = await admin.post(`/admin/jobs/${done.id}/retry`);
    const id = response.headers.get("location")!.split("/").at(-1)!;
    expect(id).not.toBe(done.id);
    const again = await ended(id);
    const { prompt, model, mode, seconds, keyId, aspect } = done;
    expect(again).toMatchObject({ prompt, model, mode, seconds, keyId, aspect, state: "completed" });
    expect(again.mediaIds).not.toEqual(done.mediaIds);
  });

  test("images are made again too, and a job with a lost input says so", async () => {
    const body = { prompt: "two", n: 2, background: true };
    const first = await ended(((await (await rig.call("/v1/images/generations", { json: body })).json()) as { id: string }).id);
    const response = await admin.post(`/admin/jobs/${first.id}/retry`);
    expect((await ended(response.headers.get("location")!.split("/").at(-1)!)).mediaIds).toHaveLength(2);
    const lost = await addJob({ state: "failed", plan: { ...(done.plan as object), images: [newId()] } });
    const refused = await admin.post(`/admin/jobs/${lost.id}/retry`);
    expect([refused.status, await refused.text()]).toEqual([422, expect.stringContaining("An input of this job was deleted")]);
  });

  test("nothing of it is done to a job that is not there, or twice at once", async () => {
    for (const act of ["cancel", "decide", "retry"]) expect((await admin.post(`/admin/jobs/video_${newId()}/${act}`)).status).toBe(404);
    const running = await addJob({ state: "storing", endedAt: null });
    expect((await admin.post(`/admin/jobs/${running.id}/retry`)).status).toBe(409);
  });
});

test("a job's page has its result, parameters, attempts, and webhooks without what is secret in their address", async () => {
  const url = "https://user:word@hooks.example/jobs?secret=canary";
  const job = await addJob({ state: "queued", endedAt: null, mediaIds: done.mediaIds, requestId: done.requestId, webhookUrl: url });
  const delivery = { id: `msg_${newId()}`, jobId: job.id, keyId: 1, url, type: "video.completed", payload: "{}", createdAt: Date.now() };
  await rig.context.store.updateJob(job.id, ["queued"], { state: "completed", endedAt: Date.now() }, { delivery });
  const html = await show(`/${job.id}`);
  for (const text of [`/admin/gallery/${done.mediaIds[0]}/file`, "5 s", "16:9", ">alpha<", "https://hooks.example/jobs", "video.completed"])
    expect(html).toContain(text);
  expect(html).not.toContain("canary");
  expect(html).not.toContain("word@");
});
