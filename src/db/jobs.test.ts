// Store contract: jobs, webhook deliveries and idempotency.
import { describe, expect, test } from "bun:test";
import { newId } from "../ids.ts";
import { temporaryFolder } from "../testing.ts";
import type { DeliveryFilter, IdempotencyRow, JobRow } from "./jobs.ts";
import { NOW, newJob } from "./rows.fixtures.ts";
import type { Store } from "./store.ts";
import { ENGINES } from "./testing.ts";

const delivery = (job: JobRow, id = `msg_${newId()}`) => ({
  id,
  jobId: job.id,
  keyId: job.keyId,
  url: "https://hooks.example/?secret=canary-of-the-url",
  type: "video.completed",
  payload: "{}",
  createdAt: NOW,
});

describe.each(ENGINES)("jobs in a store over $name", ({ open, stored }) => {
  async function withStore(body: (store: Store, folder: string) => Promise<void>): Promise<void> {
    using folder = temporaryFolder();
    const store = await open(folder.path);
    await body(store, folder.path).finally(() => store.close());
  }

  test("a request's job is found by it, the latest of several", () =>
    withStore(async (store) => {
      const jobs = [newJob({ requestId: "r1" }), newJob({ requestId: "r1" }), newJob({ requestId: "r2" })];
      for (const job of jobs) await store.insertJob(job);
      expect(await store.findJob("r1")).toEqual(jobs[1]!);
      expect(await store.findJob("nobody's")).toBeNull();
    }));

  test("prompts are read for many requests at once, each of its latest job", () =>
    withStore(async (store) => {
      for (const [requestId, prompt] of [
        ["r1", "former"],
        ["r1", "latest"],
        ["r2", "other"],
        ["r3", "not asked for"],
      ] as const)
        await store.insertJob(newJob({ requestId, prompt }));
      const found = await store.promptsOfRequests(["r2", "r1", "none"]);
      expect(found.sort((a, b) => a.requestId.localeCompare(b.requestId))).toEqual([
        { requestId: "r1", prompt: "latest" },
        { requestId: "r2", prompt: "other" },
      ]);
      expect(await store.promptsOfRequests([])).toEqual([]);
    }));

  test("a job comes back as it was written, and its webhook's address is not readable in what is stored", () =>
    withStore(async (store, folder) => {
      const job = newJob();
      await store.insertJob(job);
      expect(await store.getJob(job.id)).toEqual(job);
      expect(await store.getJob("video_none")).toBeNull();
      await store.updateJob(job.id, ["queued"], {}, { delivery: delivery(job) });
      expect(await stored(folder)).toContain("a fox");
      expect(await stored(folder)).not.toContain("canary-of-the-url");
    }));

  test("a change from another state than expected does nothing, its webhook included", () =>
    withStore(async (store) => {
      const job = newJob();
      await store.insertJob(job);
      expect(await store.updateJob(job.id, ["running", "storing"], { state: "completed" }, { delivery: delivery(job) })).toBeNull();
      expect(await store.getJob(job.id)).toEqual(job);
      expect(await store.listDeliveries({ limit: 5 })).toEqual([]);
      expect(await store.updateJob(job.id, ["queued"], { state: "submitting", tokenId: 3 }, { durable: true })).toEqual({
        ...job,
        state: "submitting",
        tokenId: 3,
      });
    }));

  test("of two racing ends one wins", () =>
    withStore(async (store) => {
      const job = newJob();
      await store.insertJob(job);
      const ends = await Promise.all([
        store.updateJob(job.id, ["queued"], { state: "cancelled" }),
        store.updateJob(job.id, ["queued"], { state: "submitting" }),
      ]);
      expect(ends.filter((row) => row !== null)).toHaveLength(1);
    }));

  test("lists are by key, kind and state, without what a key removed; pages follow the order of creation", () =>
    withStore(async (store) => {
      const rows = [
        newJob(),
        newJob({ state: "completed", endedAt: NOW }),
        newJob({ keyId: 2 }),
        newJob({ kind: "image", mode: null }),
        newJob({ removed: true }),
      ];
      for (const row of rows) await store.insertJob(row);
      const ids = async (query: Partial<Parameters<Store["listJobs"]>[0]>) =>
        (await store.listJobs({ keyId: 1, limit: 10, order: "asc", ...query })).map(({ id }) => rows.findIndex((row) => row.id === id));
      expect(await ids({})).toEqual([0, 1, 3]);
      expect(await ids({ keyId: null })).toEqual([0, 1, 2, 3, 4]);
      expect(await ids({ kind: "image" })).toEqual([3]);
      expect(await ids({ states: ["completed", "failed"] })).toEqual([1]);
      expect(await ids({ states: ["completed"] })).toEqual([1]);
      expect(await ids({ states: [rows[0]!.state], keyId: null, order: "desc", limit: 2 })).toEqual([4, 3]);
      expect(await ids({ states: [] })).toEqual([]);
      expect(await ids({ after: rows[0]!.id, limit: 1 })).toEqual([1]);
      expect(await ids({ after: rows[3]!.id, order: "desc" })).toEqual([1, 0]);
      expect(await ids({ after: "gone" })).toEqual([]);
    }));

  test("open ones are counted by state, ended ones are not", () =>
    withStore(async (store) => {
      expect(await store.countOpenJobs()).toEqual({});
      for (const state of ["queued", "running", "running", "unknown", "completed", "failed", "cancelled"] as const)
        await store.insertJob(newJob({ state }));
      expect(await store.countOpenJobs()).toEqual({ queued: 1, running: 2, unknown: 1 });
      expect(await store.countJobs(10)).toMatchObject({ queued: 1, running: 2, unknown: 1, storing: 0 });
      expect((await store.countJobs(1)).running).toBe(1);
    }));

  test("are found by a part of their prompt, in any case, whatever signs it has", () =>
    withStore(async (store) => {
      const rows = ["A Red fox", "100 % wool_socks!", "一座灯塔"].map((prompt) => newJob({ prompt }));
      for (const row of rows) await store.insertJob(row);
      const found = async (text: string) =>
        (await store.listJobs({ keyId: null, limit: 9, order: "asc", text })).map(({ prompt }) => prompt);
      expect(await found("red FOX")).toEqual(["A Red fox"]);
      expect([await found("0 % w"), await found("l_s"), await found("!")]).toEqual(Array(3).fill(["100 % wool_socks!"]));
      expect(await found("灯塔")).toEqual(["一座灯塔"]);
      expect(await found("A%fox")).toEqual([]);
    }));

  test("unsettled are those that have not ended, and ended ones with an open reservation", () =>
    withStore(async (store) => {
      const [running, unknown, done, owed] = [
        newJob({ state: "running" }),
        newJob({ state: "unknown" }),
        newJob({ state: "completed", endedAt: NOW }),
        newJob({ state: "failed", endedAt: NOW }),
      ] as const;
      for (const row of [running, unknown, done, owed]) await store.insertJob(row);
      const estimate = { images: 0, videoMs: 8000, microUsd: 1 };
      await store.begin([{ keyId: 1, requestId: owed.requestId, kind: "video", family: "veo-3.1", at: NOW, estimate }]);
      const { id: me } = await store.joinNode({ url: null, version: "1" });
      expect((await store.takeOver(me, 0)).jobs.map(({ id }) => id)).toEqual([running.id, unknown.id, owed.id]);
    }));

  test("deliveries that are due come oldest first, and those that ended are not due", () =>
    withStore(async (store) => {
      const job = newJob();
      await store.insertJob(job);
      for (const id of ["msg_a", "msg_b"]) await store.updateJob(job.id, ["queued"], {}, { delivery: delivery(job, id) });
      expect([await store.nextDeliveryAt(NOW - 1), await store.nextDeliveryAt(NOW)]).toEqual([NOW, null]);
      const but = { ids: [], hosts: [], keyIds: [], pairs: [] };
      const due = async (except: Partial<DeliveryFilter>) =>
        (await store.listDueDeliveries(NOW, 5, { ...but, ...except })).map(({ id }) => id);
      expect(await due({ ids: ["msg_a"] })).toEqual(["msg_b"]);
      expect(await due({ hosts: ["hooks.example"] })).toEqual([]);
      expect(await due({ hosts: ["hooks.example:8443"], keyIds: [job.keyId + 1] })).toEqual(["msg_a", "msg_b"]);
      expect(await due({ keyIds: [job.keyId] })).toEqual([]);
      expect(await due({ pairs: [{ host: "hooks.example", keyId: job.keyId }] })).toEqual([]);
      const others = [
        { host: "hooks.example", keyId: job.keyId + 1 },
        { host: "other.example", keyId: job.keyId },
      ];
      expect(await due({ pairs: others })).toEqual(["msg_a", "msg_b"]);
      expect((await store.listDueDeliveries(NOW, 5)).map(({ id }) => id)).toEqual(["msg_a", "msg_b"]);
      expect(await store.listDueDeliveries(NOW - 1, 5)).toEqual([]);
      const listed = await store.listDueDeliveries(NOW, 5);
      expect(await store.claimDeliveries(listed, NOW + 30)).toEqual(["msg_a", "msg_b"]);
      expect([await store.claimDeliveries(listed, NOW + 30), await store.listDueDeliveries(NOW + 29, 5)]).toEqual([[], []]);
      expect(await store.claimDeliveries((await store.listDueDeliveries(NOW + 30, 5)).slice(1), NOW)).toEqual(["msg_b"]);
      const ended = { state: "delivered", attempts: 1, nextAt: null, endedAt: NOW, lastStatus: 204, lastError: null } as const;
      await store.updateDelivery("msg_a", ended);
      expect((await store.listDueDeliveries(NOW, 5)).map(({ id }) => id)).toEqual(["msg_b"]);
      expect(await store.listDeliveries({ limit: 5, before: "msg_b" })).toEqual([{ ...delivery(job, "msg_a"), ...ended }]);
      expect(await store.listDeliveries({ limit: 5, keyId: 2 })).toEqual([]);
    }));

  test("a key's webhook is stored for it alone", () =>
    withStore(async (store) => {
      const key = await store.insertKey({ name: "a", prefix: "a", hash: crypto.getRandomValues(new Uint8Array(32)) }, NOW);
      expect(await store.readKeyWebhook(key.id)).toBeNull();
      await store.writeKeyWebhook(key.id, { url: null, secret: "whsec_a" });
      await store.writeKeyWebhook(key.id, { url: "https://a.example/", secret: "whsec_b" });
      expect(await store.readKeyWebhook(key.id)).toEqual({ url: "https://a.example/", secret: "whsec_b" });
    }));

  test("a name is taken once; one that is too old makes room", () =>
    withStore(async (store) => {
      const row: IdempotencyRow = {
        keyId: 1,
        route: "r",
        key: "k",
        hash: "h",
        run: "x",
        createdAt: NOW,
        jobId: null,
      };
      expect(await store.claimIdempotency(row, NOW - 1)).toEqual({ isNew: true, row });
      await store.attachIdempotency(row, "video_b", "another run");
      await store.attachIdempotency(row, "video_a", "x");
      const held = { ...row, jobId: "video_a" };
      expect(await store.claimIdempotency({ ...row, hash: "other" }, NOW - 1)).toEqual({ isNew: false, row: held });
      expect((await store.claimIdempotency({ ...row, createdAt: NOW + 9 }, NOW + 1)).isNew).toBe(true);
      await store.deleteIdempotency(row, { run: "another run" });
      await store.deleteIdempotency(row, { jobId: "another job" });
      expect((await store.claimIdempotency(row, NOW)).isNew).toBe(false);
      await store.deleteIdempotency(row, { run: "x" });
      expect((await store.claimIdempotency(row, NOW)).isNew).toBe(true);
    }));

  test("what is old and has ended goes; what runs stays, however old", () =>
    withStore(async (store) => {
      const [old, running, fresh] = [
        newJob({ state: "completed", endedAt: NOW - 10 }),
        newJob({ state: "running", createdAt: 0 }),
        newJob({ state: "failed", endedAt: NOW }),
      ] as const;
      for (const row of [old, running, fresh]) await store.insertJob(row);
      expect(await store.deleteJobsBefore({ jobs: NOW, deliveries: NOW, idempotency: NOW }, 10)).toBe(1);
      expect((await store.listJobs({ keyId: null, limit: 9, order: "asc" })).map(({ id }) => id)).toEqual([running.id, fresh.id]);
    }));
});
