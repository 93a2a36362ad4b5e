// Cap use: shares of own caps per day, by token, group and model.
import { expect, test } from "bun:test";
import { call, FAMILY, success, testPool, tokenRow } from "../../../test/pool.ts";

test("is listed from its share on, of tokens and of groups once", async () => {
  const caps = { requestsPerDay: 4, models: { [FAMILY]: { usdPerDay: 0.1 } }, group: { requestsPerDay: 10 } };
  const world = testPool([
    tokenRow(1, { caps, group: "g", imageConcurrency: 9 }),
    tokenRow(2, { group: "g", enabled: false }),
    tokenRow(3, { provider: "beta" }),
  ]);
  for (let calls = 0; calls < 2; calls++) await call(world, success(), { providers: ["alpha"] });
  const named = async (share: number) =>
    (await world.pool.readCapUses(share)).map(({ of, name, family, unit, used, limit }) => [of, name, family, unit, used, limit]);
  expect(await named(0.5)).toEqual([
    ["token", "token 1", null, "requests", 2, 4],
    ["token", "token 1", FAMILY, "usd", 0.08, 0.1],
  ]);
  expect(await named(0.2)).toContainEqual(["group", "g", null, "requests", 2, 10]);
  expect(await named(0.9)).toEqual([]);
  expect(await testPool([tokenRow(1)]).pool.readCapUses(0)).toEqual([]);
});
