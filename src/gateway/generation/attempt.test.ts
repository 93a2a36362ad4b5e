// When a call that failed counts as charged: everything after the body left but a refusal, and everything after an image came.
import { expect, test } from "bun:test";
import type { ProviderEvent } from "../../domain/generation.ts";
import { AppError, type ErrorKind } from "../../errors.ts";
import type { Provider } from "../../providers/provider.ts";
import type { MediaStore } from "../media/media-store.ts";
import type { Lease } from "../pool/lease-contract.ts";
import type { Credentials } from "../tokens/credentials.ts";
import { attemptImage } from "./attempt.ts";
import { createAffinity } from "./inputs/affinity.ts";

type Plot = { events: ProviderEvent[]; fails?: ErrorKind; keep?: ErrorKind };

const SUBMITTED: ProviderEvent = { type: "submitted" };
const PICTURE: ProviderEvent = { type: "image", draft: { path: "", bytes: 1, mime: "image/png" }, thought: false };

/** Kind of the failure, and whether it may have been charged. */
async function outcome({ events, fails, keep }: Plot): Promise<[ErrorKind, boolean]> {
  const provider = {
    async *generateImages() {
      yield* events;
      if (fails) throw new AppError(fails, "failed");
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
  const deps = { tokens, media, affinity: createAffinity() };
  const { signal } = new AbortController();
  try {
    await attemptImage(deps, {
      ...{ provider, lease, signal, media: { keyId: 1, requestId: "r" } },
      request: { family: "f", turns: [] },
      state: { submitted: false },
      emit: () => {},
    });
  } catch (error) {
    if (error instanceof AppError) return [error.kind, error.charged];
    throw error;
  }
  throw new Error("It did not fail");
}

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
  ["ended without an end", { events: [SUBMITTED] }, ["upstream_unavailable", true]],
];

test.each(PLOTS)("%s", async (_name, plot, expected) => {
  expect(await outcome(plot)).toEqual(expected);
});
