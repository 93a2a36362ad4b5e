// When a call that failed counts as charged: everything after the body left but a refusal, and everything after an image came.
import { expect, test } from "bun:test";
import { AppError, type ErrorKind } from "../../errors.ts";
import type { ImageSink, Provider } from "../../providers/provider.ts";
import { type ProviderEvent, play } from "../../providers/testing.ts";
import type { MediaStore } from "../media/contract.ts";
import { MemoryBudget } from "../media/memory-budget.ts";
import type { Lease } from "../pool/lease-contract.ts";
import type { Credentials } from "../tokens/credentials.ts";
import { Attempt } from "./attempt.ts";
import { createAffinity } from "./inputs/affinity.ts";

type Plot = {
  events: ProviderEvent[];
  fails?: ErrorKind;
  keep?: ErrorKind;
  /** The provider throws its own error in place of the sink's. */
  wraps?: boolean;
};

const SUBMITTED: ProviderEvent = { type: "submitted" };
const PICTURE: ProviderEvent = { type: "image", draft: { path: "", bytes: 1, mime: "image/png" }, thought: false };

/** Kind of the failure, and whether it may have been charged. */
async function outcome({ events, fails, keep, wraps }: Plot): Promise<[ErrorKind, boolean]> {
  const provider = {
    async generateImages(_request: unknown, _token: unknown, _call: unknown, sink: ImageSink) {
      const played = (async function* () {
        yield* events;
        if (fails) throw new AppError(fails, "failed");
      })();
      return play(played, sink).catch((error) => {
        throw wraps ? new AppError("upstream_unknown_outcome", "wrapped", { cause: error }) : error;
      });
    },
  } as unknown as Provider;
  const token = { id: 1, secret: "", proxy: null, state: {} };
  const tokens = { open: async () => token, callContext: () => ({}) } as unknown as Credentials;
  const media = {
    discard: async () => {},
    store: async () => {
      throw new AppError(keep ?? "busy", "not kept");
    },
  } as unknown as MediaStore;
  const lease = { tokenId: 1, proxy: null } as Lease;
  const deps = { tokens, media, affinity: createAffinity(), clock: { now: () => 0 } };
  const { signal } = new AbortController();
  const owner = { signal, request: { key: { id: 1 }, requestId: "r" }, emit: () => {}, memory: new MemoryBudget(), retain: () => false };
  const attempt = new Attempt(deps, owner, lease, { family: "f", turns: [] });
  try {
    await attempt.start(provider);
  } catch (thrown) {
    const error = attempt.failureOf(thrown);
    if (error instanceof AppError) return [error.kind, error.charged];
    throw error;
  }
  throw new Error("It did not fail");
}

test("what fails after its end is no failure of the call", async () => {
  const provider = { generateImages: async () => ({ finish: "stop", upstreamReason: "STOP", usage: null }) } as unknown as Provider;
  const token = { id: 1, secret: "", proxy: null, state: {} };
  const tokens = { open: () => token, callContext: () => ({}) } as unknown as Credentials;
  const deps = { tokens, media: {} as MediaStore, affinity: createAffinity(), clock: { now: () => 0 } };
  const { signal } = new AbortController();
  const owner = { signal, request: { key: { id: 1 }, requestId: "r" }, emit: () => {}, memory: new MemoryBudget(), retain: () => false };
  const attempt = new Attempt(deps, owner, { tokenId: 1, proxy: null } as Lease, { family: "f", turns: [] });
  await attempt.start(provider);
  attempt.onSubmit();
  attempt.end();
  const thrown = new AppError("cancelled", "after it");
  expect(attempt.failureOf(thrown)).toBe(thrown);
});

const PLOTS: [name: string, plot: Plot, expected: [ErrorKind, boolean]][] = [
  ["refused before the body left", { events: [], fails: "upstream_rate_limited" }, ["upstream_rate_limited", false]],
  ["refused after it left", { events: [SUBMITTED], fails: "upstream_rate_limited" }, ["upstream_rate_limited", false]],
  ["never reached", { events: [], fails: "upstream_timeout" }, ["upstream_timeout", false]],
  ["without an answer", { events: [SUBMITTED], fails: "upstream_timeout" }, ["upstream_timeout", true]],
  ["given up after it left", { events: [SUBMITTED], fails: "cancelled" }, ["cancelled", true]],
  [
    "broken off after the picture",
    { events: [SUBMITTED, { ...PICTURE, thought: true } as ProviderEvent], fails: "upstream_unavailable" },
    ["upstream_unavailable", true],
  ],
  ["a picture for which the disk had no room", { events: [SUBMITTED, PICTURE], keep: "busy" }, ["busy", true]],
  [
    "a failure of our own that the provider takes for one of its upstream",
    { events: [SUBMITTED, PICTURE], keep: "unavailable", wraps: true },
    ["unavailable", true],
  ],
];

test.each(PLOTS)("%s", async (_name, plot, expected) => {
  expect(await outcome(plot)).toEqual(expected);
});
