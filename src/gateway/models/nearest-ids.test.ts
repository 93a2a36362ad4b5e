// Nearest ids: order, and work that a hostile id cannot raise.
import { expect, test } from "bun:test";
import { seededRandom } from "../../testing.ts";
import { NearestIds } from "./nearest-ids.ts";

const IDS = ["gemini-3-pro-image", "gemini-3.1-flash-image", "imagen-4.0-generate-001", "veo-3.1", "sora-2-pro", "dall-e-3"];

test.each([
  [
    "one that begins like it comes before one that is spelt like it",
    ["vea-3.1-fast", "veo-3.1-fast-lite"],
    "veo-3.1-fast",
    "veo-3.1-fast-lite",
  ],
  ["more parts in common come before fewer letters that differ", ["gemini-3-a", "gemini-x"], "gemini-3-flash", "gemini-3-a"],
  ["fewest letters that differ decide else", IDS, "imagne-4.0-generate-001", "imagen-4.0-generate-001"],
  ["of equals the first", ["aab", "aac"], "aad", "aab"],
  ["case and separators do not count", IDS, " SORA2PRO ", "sora-2-pro"],
])("%s", (_, ids, asked, nearest) => expect(new NearestIds(ids).find(asked, 1)).toEqual([nearest]));

test("no more than there are, none of none, and a caller cannot change what the next one gets", () => {
  const nearest = new NearestIds(["a", "b"]);
  nearest.find("c", 3).pop();
  expect(nearest.find("c", 3)).toHaveLength(2);
  expect(new NearestIds([]).find("c", 3)).toEqual([]);
  expect(nearest.find("", 1)).toHaveLength(1);
});

test("an id of any length and script has a result", () => {
  const nearest = new NearestIds([...IDS, "x".repeat(200)]);
  for (const id of ["x".repeat(100_000), "模型".repeat(5000), "\u0000", "-".repeat(300), "🦊".repeat(50)])
    expect(nearest.find(id, 3)).toHaveLength(3);
});

test("a letter changed, lost or added still leads to the id that was meant", () => {
  const random = seededRandom(4);
  const nearest = new NearestIds(IDS);
  for (let round = 0; round < 300; round++) {
    const meant = IDS[Math.floor(random() * IDS.length)]!;
    const at = 1 + Math.floor(random() * (meant.length - 1));
    const wrong = meant.slice(0, at) + ["", "q", `q${meant[at]}`][round % 3] + meant.slice(at + 1);
    expect(nearest.find(wrong, 1), wrong).toEqual([meant]);
  }
});
