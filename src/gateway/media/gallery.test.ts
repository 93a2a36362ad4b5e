// Gallery pages: prompts of a page and a selection are read at once, however many there are.
import { expect, test } from "bun:test";
import type { Media } from "../../domain/generation.ts";
import { type GallerySources, mediaOfIds, pageOfMedia, readGalleryQuery } from "./gallery.ts";

const media = (id: string, requestId: string | null, origin: Media["origin"] = "result") =>
  ({ id, requestId, origin, createdAt: 1 }) as Media;

function world() {
  const rows = [media("a", "r1"), media("b", "r1"), media("c", "r2"), media("d", null), media("e", "r3", "input")];
  let reads = 0;
  const read =
    <A extends unknown[], R>(run: (...args: A) => R) =>
    async (...args: A) => {
      reads++;
      return run(...args);
    };
  const sources = {
    store: {
      listMedia: read(({ origin, ids }: { origin: string; ids?: readonly string[] }) =>
        rows.filter((one) => one.origin === origin && (!ids || ids.includes(one.id))),
      ),
      promptsOfRequests: read((ids: readonly string[]) =>
        ids.filter((id) => id === "r1").map((requestId) => ({ requestId, prompt: "a job" })),
      ),
    },
    requests: { promptsOf: read((ids: readonly string[]) => ids.map((id) => ({ id, prompt: `logged ${id}` }))) },
    trash: { has: (id: string) => id === "b" },
  } as unknown as GallerySources;
  return { sources, reads: () => reads };
}

test("prompts are those of jobs, else of the log, in three reads a page", async () => {
  const { sources, reads } = world();
  const { items } = await pageOfMedia(sources, readGalleryQuery(new URLSearchParams()), 50);
  expect(items.map(({ id, prompt }) => [id, prompt])).toEqual([
    ["a", "a job"],
    ["c", "logged r2"],
    ["d", null],
  ]);
  expect(reads()).toBe(3);
});

test("a selection is read in two, in its own order, without what is gone or being deleted", async () => {
  const { sources, reads } = world();
  expect((await mediaOfIds(sources, ["e", "none", "b", "a"])).map(({ id }) => id)).toEqual(["e", "a"]);
  expect(reads()).toBe(2);
  expect(await mediaOfIds(sources, [])).toEqual([]);
});
