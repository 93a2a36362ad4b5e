// What a body with blobs becomes: JSON with their base64.
import { expect, test } from "bun:test";
import { encodeBody } from "./encode-body.ts";

test("inputs of every length become the same base64 as at once", async () => {
  for (const bytes of [0, 1, 2, 3, 786_431, 786_432, 786_433, 2_000_000]) {
    const data = Buffer.alloc(bytes, "fox");
    const body = JSON.parse(Buffer.from(await encodeBody({ a: new Blob([data]), b: [new Blob(["x"])] })).toString());
    expect(body.b).toEqual(["eA=="]);
    expect(body.a === data.toString("base64")).toBe(true);
  }
});
