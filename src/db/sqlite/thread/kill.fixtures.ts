// A process that begins and ends generations as fast as its store acknowledges them, and says what was acknowledged; it is killed.
import { openStore } from "../store.ts";
import { StoreThread } from "./store-thread.ts";

const [dataDir, from] = [process.argv[2]!, Number(process.argv[3])];
const HOUR = 3_600_000;
const thread = new StoreThread({ url: new URL("../../../store-thread.ts", import.meta.url), onDeath: () => process.exit(1) });
const store = await openStore({ dataDir, secretKey: new Uint8Array(32), thread });
const one = { images: 1, videoMs: 0, microUsd: 7 };

/** One generation after another; sixteen of these share the batches. */
async function generate(lane: number): Promise<never> {
  for (let count = 0; ; count++) {
    const requestId = `${from}/${lane}/${count}`;
    const [begun] = await store.begin([{ keyId: lane % 3, requestId, kind: "image", family: "f", at: HOUR, estimate: one }]);
    const { id } = begun as { id: number };
    process.stdout.write(`begun ${requestId} ${id}\n`);
    const calls = [{ tokenId: 1 + (id % 50), ok: true, ms: 5, amounts: one }];
    const ended = { endedAt: HOUR, periods: ["total"], hour: HOUR, ok: true, ms: 5, inputTokens: 0, outputTokens: 0, calls };
    await store.end([{ id, state: "settled", actual: one, ...ended }]);
    process.stdout.write(`ended ${requestId} ${id}\n`);
  }
}

await Promise.all(Array.from({ length: 16 }, (_, lane) => generate(lane)));
