// The S3 server of tests verifies signatures: what it lets in, a real one would.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { S3_ACCESS_KEY, S3_REGION, type S3Server, startS3 } from "./s3.ts";

describe("S3 server of tests", () => {
  let s3: S3Server;
  beforeAll(async () => {
    s3 = await startS3();
  });
  afterAll(() => s3[Symbol.asyncDispose]());

  test("a presigned PUT with a file's bytes is read back whole and by range", async () => {
    const url = s3.client.presign("a/b.bin", { method: "PUT", expiresIn: 60 });
    expect((await fetch(url, { method: "PUT", body: new Uint8Array(300_000).fill(7) })).status).toBe(200);
    expect((await s3.client.stat("a/b.bin")).size).toBe(300_000);
    expect(await s3.client.file("a/b.bin").slice(10, 20).bytes()).toEqual(new Uint8Array(10).fill(7));
    expect((await s3.client.list({ prefix: "a/" })).contents?.map(({ key }) => key)).toEqual(["a/b.bin"]);
    await s3.client.delete("a/b.bin");
    expect(await s3.client.exists("a/b.bin")).toBe(false);
  });

  test("a wrong secret, a changed path and an expired link are refused", async () => {
    const { endpoint, bucket } = s3;
    const stranger = new Bun.S3Client({ endpoint, bucket, region: S3_REGION, accessKeyId: S3_ACCESS_KEY, secretAccessKey: "wrong" });
    await expect(stranger.stat("a/b.bin")).rejects.toThrow();
    await expect(stranger.list()).rejects.toThrow();
    const url = s3.client.presign("mine", { method: "PUT", expiresIn: 60 });
    expect((await fetch(url.replace("/mine?", "/yours?"), { method: "PUT", body: "x" })).status).toBe(403);
    expect((await fetch(url.replace(/X-Amz-Date=\d{4}/, "X-Amz-Date=2020"), { method: "PUT", body: "x" })).status).toBe(403);
  });
});
