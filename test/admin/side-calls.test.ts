// Side calls page over HTTP: charged suspects, and the rule that answers them.
import { expect, setDefaultTimeout, test } from "bun:test";
import { type Rig, startRig } from "../rig.ts";
import { signIn } from "./admin.ts";

setDefaultTimeout(30_000);

const ask = async (rig: Rig, content: string) => {
  const before = rig.simulator.counts().total.requests;
  const response = await rig.chat({ messages: [{ role: "user", content }] });
  await response.text();
  return [response.status, rig.simulator.counts().total.requests - before];
};

test("a call that was charged becomes a side call by a button, until the rule is removed", async () => {
  await using rig = await startRig();
  const me = await signIn(rig);
  const NAME = "Suggest a name for a bakery";
  expect(await ask(rig, "hi")).toEqual([200, 0]);
  expect(await ask(rig, NAME)).toEqual([200, 1]);

  const overview = await (await me.get("/admin")).text();
  expect(overview).toContain(NAME);
  const action = /action="(\/admin\/side-calls\/([0-9a-f]{12})\/treat)"/.exec(overview)!;
  expect((await me.post(action[1]!)).status).toBe(303);

  expect(await ask(rig, NAME)).toEqual([200, 0]);
  expect(await ask(rig, "a bakery in the snow")).toEqual([200, 1]);
  const page = await (await me.get("/admin/side-calls")).text();
  expect(page).toContain(`id="rule-${action[2]}"`);
  expect(page).not.toContain(`id="shape-${action[2]}"`);
  expect(await rig.context.store.readSettings()).toMatchObject({ side_calls: [{ id: action[2], sample: NAME }] });

  expect((await me.post(`/admin/side-calls/${action[2]}/remove`)).status).toBe(303);
  expect(await ask(rig, NAME)).toEqual([200, 1]);
});

test("a health check that no sign gives away is shown when it comes again and again", async () => {
  await using rig = await startRig();
  const me = await signIn(rig);
  for (let times = 0; times < 4; times++) await ask(rig, "tick 1");
  expect(await (await me.get("/admin/side-calls")).text()).not.toContain("shape-");
  await ask(rig, "tick 2");
  const page = await (await me.get("/admin/side-calls")).text();
  expect(page).toContain("tick 2".slice(0, 4));
  const id = /\/admin\/side-calls\/([0-9a-f]{12})\/treat/.exec(page)![1]!;
  await me.post(`/admin/side-calls/${id}/treat`);
  expect(await ask(rig, "tick 3")).toEqual([200, 0]);
});

test("a kind of call that is not remembered is 404, and a stranger sees nothing", async () => {
  await using rig = await startRig();
  const me = await signIn(rig);
  expect((await me.post("/admin/side-calls/0123456789ab/treat")).status).toBe(404);
  expect([302, 303, 401]).toContain((await fetch(`${rig.url}/admin/side-calls`, { redirect: "manual" })).status);
});
