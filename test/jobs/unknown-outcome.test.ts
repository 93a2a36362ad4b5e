// Jobs of which nobody knows what came of them: every route that is polled answers 200 with the state.
import { expect, test } from "bun:test";
import { temporaryFolder } from "../../src/testing.ts";
import { hurriedClock, type Rig, startRig } from "../rig.ts";

const OMNI = "gemini-omni-1.2-flash";
const IMAGE = "gemini-3.1-flash-image";
type Body = Record<string, unknown> & { id: string; name: string; error?: { code: unknown; message: string } };

const bodyOf = async (response: Response) => (await response.json()) as Body;

/** Asks until the route no longer says that the job goes on. */
async function settle(rig: Rig, path: string, goesOn: (body: Body) => boolean): Promise<[number, Body]> {
  for (let turn = 0; turn < 500; turn++) {
    const response = await rig.call(path);
    const body = await bodyOf(response);
    if (response.status !== 202 && !goesOn(body)) return [response.status, body];
    await Bun.sleep(10);
  }
  throw new Error("The job did not end.");
}

test("a response that was lost: videos and interactions in both dialects", async () => {
  await using rig = await startRig({ clock: hurriedClock(), simulator: { faults: "gemini.interaction=lost" } });
  const video = await bodyOf(await rig.call("/v1/videos", { json: { model: OMNI, prompt: "a fox" } }));
  const seen = await settle(rig, `/v1/videos/${video.id}`, ({ status }) => status === "queued" || status === "in_progress");
  expect(seen).toMatchObject([200, { status: "failed", error: { code: "unknown" } }]);

  const predicted = await rig.call(`/v1beta/models/${OMNI}:predictLongRunning`, { json: { instances: [{ prompt: "a fox" }] } });
  const { name } = await bodyOf(predicted);
  expect(await settle(rig, `/v1beta/${name}`, ({ done }) => done !== true)).toMatchObject([200, { done: true, error: { code: 13 } }]);

  const made = await rig.call("/v1beta/interactions", { json: { model: OMNI, input: "a fox", background: true } });
  const { id } = await bodyOf(made);
  const shown = await settle(rig, `/v1beta/interactions/${id}`, ({ status }) => status === "in_progress");
  expect(shown).toMatchObject([200, { status: "failed", errors: [{ code: "internal" }] }]);
});

test.each(["lost", "504"])("an image job whose response was %s", async (fault) => {
  await using rig = await startRig({ simulator: { faults: `gemini.generate=${fault}` } });
  const { id } = await bodyOf(await rig.call("/v1/images/generations", { json: { model: IMAGE, prompt: "a fox", background: true } }));
  const path = `/v1/images/generations/${id}`;
  const [status, job] = await settle(rig, path, () => false);
  expect([status, job]).toMatchObject([200, { id, object: "image.job", error: { message: expect.any(String) } }]);
  expect((await rig.call(path)).headers.get("x-should-retry")).toBe("false");
});

test("an image job that the server's stop has cut is shown as unknown after the next start", async () => {
  using folder = temporaryFolder();
  let id: string;
  {
    const settings = { "server.drain_timeout": 0 };
    await using rig = await startRig({ folder: folder.path, settings, simulator: { faults: "gemini.generate=hang" } });
    id = (await bodyOf(await rig.call("/v1/images/generations", { json: { model: IMAGE, prompt: "a fox", background: true } }))).id;
    while (rig.simulator.counts().total.inFlight === 0) await Bun.sleep(2);
  }
  await using again = await startRig({ folder: folder.path, tokens: [] });
  const response = await again.call(`/v1/images/generations/${id}`);
  expect([response.status, await response.json()]).toMatchObject([200, { id, status: "unknown", error: { code: "upstream_error" } }]);
  const events = await (await again.call(`/v1/images/generations/${id}/events`)).text();
  expect(events).toContain("event: image_job.unknown");
});
