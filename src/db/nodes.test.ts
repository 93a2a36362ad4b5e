// Store contract: nodes, what they own, and who takes it over; scratch values; versions of health and secrets.
import { describe, expect, test } from "bun:test";
import { newId } from "../ids.ts";
import { temporaryFolder } from "../testing.ts";
import type { JobRow } from "./jobs.ts";
import type { NewReservation } from "./ledger.ts";
import { NOW, newJob, newMedia } from "./rows.fixtures.ts";
import type { Store } from "./store.ts";
import { ENGINES } from "./testing.ts";

const NODE = { url: null, version: "1.2.3" };
const NAME = { keyId: 1, route: "POST /v1/videos", key: "once" };

const reservationOf = (requestId: string, node: number): NewReservation => ({
  ...{ keyId: 1, requestId, node, kind: "video", family: "veo-3.1", at: NOW },
  estimate: { images: 0, videoMs: 8000, microUsd: 1 },
});

async function beginOne(store: Store, requestId: string, node: number): Promise<number> {
  const [begun] = await store.begin([reservationOf(requestId, node)]);
  if (!begun || !("id" in begun)) throw new Error("It was refused.");
  return begun.id;
}

/** Whether the job is this node's. */
const owns = async (store: Store, node: number, { id, state }: JobRow) => (await store.updateJob(id, [state], {}, { node })) !== null;
const idsOf = (rows: readonly { id: string | number }[]) => rows.map(({ id }) => id);

describe.each(ENGINES)("nodes on $name", (engine) => {
  async function withStore(work: (store: Store) => Promise<void>): Promise<void> {
    using folder = temporaryFolder();
    const store = await engine.open(folder.path);
    try {
      await work(store);
    } finally {
      await store.close();
    }
  }
  /** A node, and another that has it declared dead. */
  async function twoNodes(store: Store, leave: (node: number) => Promise<unknown>) {
    const { id: first } = await store.joinNode(NODE);
    await leave(first);
    const { id: second } = await store.joinNode(NODE);
    await Bun.sleep(20);
    return { first, second, inheritance: await store.takeOver(second, 10) };
  }

  test("a node has an id of its own, is listed with what it reports, and is told to drain", () =>
    withStore(async (store) => {
      const { id, now } = await store.joinNode({ url: "http://10.0.0.1:8000", version: "1.2.3" });
      expect(id).toBeGreaterThan(0);
      expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
      expect(await store.beatNode(id, { inFlight: 3 })).toMatchObject({ isDraining: false });
      expect((await store.listNodes())[0]).toMatchObject({
        ...{ id, state: "serving", url: "http://10.0.0.1:8000", version: "1.2.3", gauges: { inFlight: 3 } },
      });
      expect(await store.drainNode(id, true)).toBe(true);
      expect(await store.beatNode(id, null)).toMatchObject({ isDraining: true });
      expect(await store.drainNode(id, false)).toBe(true);
      expect(await store.beatNode(id, null)).toMatchObject({ isDraining: false });
      expect([await store.beatNode(id + 1, null), await store.drainNode(id + 1, true)]).toEqual([null, false]);
      await store.leaveNode(id);
      expect([await store.beatNode(id, null), await store.drainNode(id, true)]).toEqual([null, false]);
      expect((await store.joinNode(NODE)).id).toBeGreaterThan(id);
    }));

  test("a dead node's jobs and open reservations go to the one that takes over, once", () =>
    withStore(async (store) => {
      const [running, done] = [newJob({ state: "running" }), newJob({ state: "completed", endedAt: NOW })];
      const open: number[] = [];
      const { first, second, inheritance } = await twoNodes(store, async (node) => {
        for (const job of [running, done]) await store.insertJob(job, node);
        for (const requestId of [running.requestId, newId()]) open.push(await beginOne(store, requestId, node));
        await store.end([endOf(await beginOne(store, newId(), node))]);
      });
      expect([idsOf(inheritance.jobs), idsOf(inheritance.reservations)]).toEqual([[running.id], open]);
      expect(inheritance.reservations.map(({ node }) => node)).toEqual([second, second]);
      expect([await owns(store, second, running), await owns(store, second, done)]).toEqual([true, false]);
      expect(await store.beatNode(first, null)).toBeNull();
      expect(await store.takeOver(second, 10)).toEqual({ jobs: [], reservations: [] });
      expect((await store.listNodes()).map(({ id, state }) => [id, state])).toEqual([
        [second, "serving"],
        [first, "dead"],
      ]);
    }));

  test("a node that has left is taken over at once; one that is dead itself takes nothing over", () =>
    withStore(async (store) => {
      const job = newJob();
      const { first, second, inheritance } = await twoNodes(store, async (node) => {
        await store.insertJob(job, node);
        await store.leaveNode(node);
      });
      expect(idsOf(inheritance.jobs)).toEqual([job.id]);
      await store.leaveNode(second);
      expect(await store.takeOver(first, 0)).toEqual({ jobs: [], reservations: [] });
      expect(await store.claimJobs(second, 10)).toEqual({ jobs: [], reservations: [] });
    }));

  test("only its own node changes a job where the change says so", () =>
    withStore(async (store) => {
      const { id: node } = await store.joinNode(NODE);
      const job = newJob();
      await store.insertJob(job, node);
      expect(await store.updateJob(job.id, ["queued"], { progress: 1 }, { node: node + 1 })).toBeNull();
      expect((await store.updateJob(job.id, ["queued"], { progress: 2 }, { node }))?.progress).toBe(2);
      expect((await store.updateJob(job.id, ["queued"], { progress: 3 }))?.progress).toBe(3);
      await store.leaveNode(node);
      expect(await store.updateJob(job.id, ["queued"], { progress: 4 }, { node })).toBeNull();
    }));

  test("jobs that are handed over are claimed once, the oldest first, with their reservations", () =>
    withStore(async (store) => {
      const { id: node } = await store.joinNode(NODE);
      const jobs = [newJob({ state: "running" }), newJob(), newJob({ state: "completed", endedAt: NOW })] as const;
      for (const job of jobs) await store.insertJob(job, node);
      const [first, second] = [await beginOne(store, jobs[0].requestId, node), await beginOne(store, jobs[1].requestId, node)];
      expect([await store.handOver(node, jobs[1].id), await owns(store, node, jobs[0])]).toEqual([1, true]);
      expect([await store.handOver(node), await owns(store, node, jobs[0]), await store.handOver(node)]).toEqual([1, false, 0]);
      expect(await store.updateJob(jobs[0].id, ["running"], { progress: 1 }, { node })).toBeNull();
      const claims = [await store.claimJobs(node, 1), await store.claimJobs(node, 5), await store.claimJobs(node, 5)];
      expect(claims.map((claim) => [idsOf(claim.jobs), idsOf(claim.reservations)])).toEqual([
        [[jobs[0].id], [first]],
        [[jobs[1].id], [second]],
        [[], []],
      ]);
      expect(await owns(store, node, jobs[1])).toBe(true);
    }));

  test("a job that ended while it was nobody's is claimed: its reservation is to be settled", () =>
    withStore(async (store) => {
      const { id: node } = await store.joinNode(NODE);
      const job = newJob();
      await store.insertJob(job, node);
      const reservation = await beginOne(store, job.requestId, node);
      await store.handOver(node);
      await store.updateJob(job.id, ["queued"], { state: "cancelled", endedAt: NOW });
      const { jobs, reservations } = await store.claimJobs(node, 5);
      expect([idsOf(jobs), idsOf(reservations)]).toEqual([[job.id], [reservation]]);
      await store.end([endOf(reservation)]);
      expect(await store.claimJobs(node, 5)).toEqual({ jobs: [], reservations: [] });
    }));

  test("what no known node owns goes to the first that takes over, also a second time", () =>
    withStore(async (store) => {
      for (const _ of [1, 2]) {
        const job = newJob();
        await store.insertJob(job);
        const reservation = await beginOne(store, job.requestId, 0);
        const { id: node } = await store.joinNode(NODE);
        const { jobs, reservations } = await store.takeOver(node, 60_000);
        expect([idsOf(jobs), idsOf(reservations)]).toEqual([[job.id], [reservation]]);
        expect(await store.takeOver(node, 60_000)).toEqual({ jobs: [], reservations: [] });
        await store.end([endOf(reservation)]);
        await store.updateJob(job.id, ["queued"], { state: "cancelled", endedAt: NOW });
      }
      expect((await store.listNodes()).every(({ id }) => id > 0)).toBe(true);
    }));

  test("a job is deleted when nothing is reserved for it", () =>
    withStore(async (store) => {
      const { id: node } = await store.joinNode(NODE);
      const job = newJob({ state: "failed", endedAt: NOW });
      await store.insertJob(job, node);
      const reservation = await beginOne(store, job.requestId, node);
      expect([await store.deleteJob(job.id), (await store.getJob(job.id))?.id]).toEqual([false, job.id]);
      await store.end([endOf(reservation)]);
      expect([await store.deleteJob(job.id), await store.getJob(job.id), await store.deleteJob(job.id)]).toEqual([true, null, true]);
    }));

  test("a name goes from one run to another once, and not when it has a job", () =>
    withStore(async (store) => {
      const row = { ...NAME, hash: "h", run: "node 1", createdAt: NOW, jobId: null };
      await store.claimIdempotency(row, 0);
      const takes = ["node 2", "node 3"].map((to) => store.takeIdempotency(NAME, { from: "node 1", to }));
      expect((await Promise.all(takes)).filter(Boolean)).toHaveLength(1);
      expect((await store.claimIdempotency(row, 0)).row.run).toBe("node 2");
      await store.attachIdempotency(NAME, "video_1", "node 2");
      expect(await store.takeIdempotency(NAME, { from: "node 2", to: "node 3" })).toBe(false);
    }));

  test("scratch values last until their time, and one of several that take them gets them", () =>
    withStore(async (store) => {
      await store.putScratch("preview a", { secret: "canary" }, NOW + 10);
      await store.putScratch("preview a", { secret: "later" }, NOW + 20);
      expect([await store.getScratch("preview a", NOW + 19), await store.getScratch("preview a", NOW + 20)]).toEqual([
        { secret: "later" },
        null,
      ]);
      const taken = await Promise.all([1, 2, 3].map(() => store.takeScratch("preview a", NOW)));
      expect(taken.filter((value) => value !== null)).toEqual([{ secret: "later" }]);
      for (const at of [1, 2, 3]) await store.putScratch(`n ${at}`, at, NOW + at);
      await store.deleteScratch("n 3");
      expect([await store.deleteScratchBefore(NOW + 1), await store.deleteScratchBefore(NOW + 9)]).toEqual([1, 1]);
    }));

  test("health is written over the version that it was made on, and over no other", () =>
    withStore(async (store) => {
      const { id } = await store.insertToken({ provider: "gemini", label: "a", secret: "secret-0123456789" }, NOW);
      expect(await store.listHealth([id, id + 1])).toEqual([{ id, health: null, version: 0 }]);
      expect(await store.saveHealth([{ id, health: { at: 1 }, version: 0 }])).toEqual([]);
      expect(await store.saveHealth([{ id, health: { at: 2 }, version: 0 }])).toEqual([{ id, health: { at: 1 }, version: 1 }]);
      expect(await store.saveHealth([{ id, health: { at: 3 }, version: 1 }])).toEqual([]);
      expect(await store.saveHealth([{ id, health: { at: 4 } }])).toEqual([]);
      expect(await store.listHealth([id])).toEqual([{ id, health: { at: 4 }, version: 3 }]);
    }));

  test("a secret is written over the version that was read, and over no other", () =>
    withStore(async (store) => {
      const { id } = await store.insertToken({ provider: "flow", label: "a", secret: "secret-0123456789" }, NOW);
      const { version } = await store.readTokenSecret(id);
      const next = await store.writeTokenSecret(id, { secret: "secret-9876543210", version });
      expect(next).toBeGreaterThan(version);
      const refused = await store.writeTokenSecret(id, { state: { a: 1 }, version }).catch((error) => error);
      expect(refused).toMatchObject({ kind: "conflict", reason: "secret_changed" });
      expect(await store.readTokenSecret(id)).toEqual({ secret: "secret-9876543210", state: {}, version: next });
    }));

  test("media know the call that made them", () =>
    withStore(async (store) => {
      const [made, unsigned, input] = [newMedia({ id: "a" }), newMedia({ id: "b" }), newMedia({ id: "c" })];
      await store.insertMedia(made, new Uint8Array([1]), { tokenId: 3, signature: "sig" });
      await store.insertMedia(unsigned, null, { tokenId: 4, signature: null });
      await store.insertMedia(input);
      expect(await store.readMediaSources(["a", "b", "c", "d"])).toEqual(
        new Map([
          ["a", { tokenId: 3, signature: "sig" }],
          ["b", { tokenId: 4, signature: null }],
        ]),
      );
      expect(await store.getMedia("a")).toEqual(made);
    }));
});

const endOf = (id: number) => ({
  ...({
    id,
    state: "released",
    endedAt: NOW,
    periods: [],
    hour: NOW,
    ok: false,
    ms: 1,
    inputTokens: 0,
    outputTokens: 0,
    calls: [],
  } as const),
  actual: { images: 0, videoMs: 0, microUsd: 0 },
});
