// Slot groups of webhooks: how many attempts run at once to one host and for one key, and that none holds up another's.
import { expect, test } from "bun:test";
import type { DeliveryRow } from "../../db/jobs.ts";
import { hostAndPort } from "../../http.ts";
import { silentLog } from "../../log.ts";
import { settled, virtualClock } from "../../testing.ts";
import { WebhookSender } from "./webhook-sender.ts";

/** Deliveries in memory; every attempt hangs until it is answered. */
function bench() {
  const clock = virtualClock();
  const rows = new Map<string, DeliveryRow>();
  const open = new Map<string, () => void>();
  let most = 0;
  const failing = new Set<string>();
  const sender = new WebhookSender({
    store: {
      async listDueDeliveries(now, limit, except = { ids: [], hosts: [], keyIds: [], pairs: [] }) {
        const isPassedOver = ({ id, url, keyId }: DeliveryRow) =>
          except.ids.includes(id) ||
          except.hosts.includes(hostAndPort(url)) ||
          except.keyIds.includes(keyId) ||
          except.pairs.some((pair) => pair.host === hostAndPort(url) && pair.keyId === keyId);
        return [...rows.values()].filter((row) => row.nextAt! <= now && !isPassedOver(row)).slice(0, limit);
      },
      claimDeliveries: async (listed) => listed.map(({ id }) => id),
      nextDeliveryAt: async (after) =>
        [...rows.values()]
          .map(({ nextAt }) => nextAt!)
          .filter((at) => at > after)
          .sort()[0] ?? null,
    },
    enabled: () => true,
    async deliver({ id }, stopping) {
      if (failing.has(id)) throw new Error("database is locked");
      await new Promise<void>((resolve) => {
        open.set(id, resolve);
        most = Math.max(most, open.size);
        stopping.addEventListener("abort", () => resolve());
      });
      open.delete(id);
      if (!stopping.aborted) rows.delete(id);
    },
    clock,
    log: silentLog,
  });
  let number = 0;
  const queue = (url: string, keyId = 1, nextAt = clock.now()) => {
    const id = `msg_${++number}`;
    rows.set(id, { id, keyId, url, nextAt } as DeliveryRow);
    return id;
  };
  const look = async () => {
    sender.wake();
    for (let turn = 0; turn < 20; turn++) await settled();
  };
  return { clock, sender, rows, open, queue, look, failing, most: () => most };
}

test("a host that does not answer gets two at once, and others are served meanwhile", async () => {
  const { sender, open, queue, look } = bench();
  const silent = Array.from({ length: 24 }, () => queue("https://silent.example/hook"));
  const other = queue("https://other.example/hook");
  const port = queue("https://silent.example:8443/hook");
  sender.start();
  await look();
  expect([...open.keys()]).toEqual([silent[0]!, silent[1]!, other, port]);
  open.get(other)!();
  const later = queue("https://later.example/hook");
  await look();
  expect([...open.keys()]).toEqual([silent[0]!, silent[1]!, port, later]);
  open.get(silent[1]!)!();
  await look();
  expect([...open.keys()]).toEqual([silent[0]!, port, later, silent[2]!]);
});

test("a key that names a host of its own each time holds up no other key", async () => {
  const { sender, open, queue, look } = bench();
  for (let host = 0; host < 200; host++) queue(`https://h${host}.silent.example/`, 1);
  const other = queue("https://other.example/", 2);
  sender.start();
  await look();
  expect(open.size).toBe(9);
  expect(open.has(other)).toBe(true);
});

test("keys that share a host take turns: one with many deliveries holds up no other", async () => {
  const { sender, open, queue, look } = bench();
  const much = Array.from({ length: 200 }, () => queue("https://shared.example/a", 1));
  sender.start();
  await look();
  const [first, second] = ["https://shared.example/b", "https://shared.example/c"].map((url) => queue(url, 2));
  open.get(much[0]!)!();
  await look();
  expect([...open.keys()]).toEqual([much[1]!, first!]);
  open.get(much[1]!)!();
  await look();
  expect([...open.keys()]).toEqual([first!, much[2]!]);
  open.get(first!)!();
  await look();
  expect([...open.keys()]).toEqual([much[2]!, second!]);
  open.get(second!)!();
  await look();
  expect([...open.keys()]).toEqual([much[2]!, much[3]!]);
});

test("all that is due is sent once, however many wait", async () => {
  const { sender, rows, open, queue, look, most } = bench();
  for (let count = 0; count < 300; count++) queue(`https://h${count % 40}.example/`, count % 30);
  sender.start();
  for (let round = 0; rows.size > 0 && round < 300; round++) {
    await look();
    for (const respond of [...open.values()]) respond();
  }
  expect([rows.size, open.size]).toEqual([0, 0]);
  expect(most()).toBeLessThanOrEqual(64);
});

test("one whose end cannot be recorded is left alone for a minute", async () => {
  const { clock, sender, open, queue, look, failing } = bench();
  const id = queue("https://hooks.example/");
  failing.add(id);
  sender.start();
  await look();
  expect(open.size).toBe(0);
  failing.clear();
  await clock.advance(59_000);
  expect(open.size).toBe(0);
  await clock.advance(2_000);
  await look();
  expect([...open.keys()]).toEqual([id]);
});

test("what is due later is sent then, and a stop ends what runs", async () => {
  const { clock, sender, open, queue, look, rows } = bench();
  const id = queue("https://hooks.example/", 1, clock.now() + 5_000);
  sender.start();
  await look();
  expect(open.size).toBe(0);
  await clock.advance(5_000);
  await look();
  expect([...open.keys()]).toEqual([id]);
  await sender.stop(new Error("stop"));
  expect([open.size, rows.size]).toEqual([0, 1]);
});
