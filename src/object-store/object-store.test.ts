// Object store against the S3 server of tests, which verifies signatures.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { S3_ACCESS_KEY, S3_REGION, S3_SECRET_KEY, type S3Server, startS3 } from "../../test/s3.ts";
import { AppError } from "../errors.ts";
import { temporaryFolder } from "../testing.ts";
import { ObjectStore, readObjectUrl } from "./object-store.ts";

describe("readObjectUrl", () => {
  test.each([
    ["s3://bucket", { bucket: "bucket", prefix: "" }],
    ["s3://bucket/", { bucket: "bucket", prefix: "" }],
    ["s3://bucket/a/b/", { bucket: "bucket", prefix: "a/b" }],
    ["https://bucket/a", null],
    ["s3://bucket/a?x=1", null],
    ["s3:///a", null],
    ["bucket/a", null],
  ])("%s", (url, expected) => {
    expect(readObjectUrl(url)).toEqual(expected);
  });
});

describe("ObjectStore", () => {
  let s3: S3Server;
  let store: ObjectStore;
  const open = (secretKey = S3_SECRET_KEY, callMs?: number) =>
    new ObjectStore({
      ...{ url: `s3://${s3.bucket}/media`, endpoint: s3.endpoint, region: S3_REGION, accessKey: S3_ACCESS_KEY, secretKey, callMs },
    });
  beforeAll(async () => {
    s3 = await startS3();
    store = open();
  });
  afterAll(() => s3[Symbol.asyncDispose]());

  const bytesOf = async (stream: ReadableStream<Uint8Array> | null) => stream && new Uint8Array(await new Response(stream).arrayBuffer());

  test("a file is put under the prefix, and read whole and by range", async () => {
    using folder = temporaryFolder();
    const path = `${folder.path}/a.png`;
    const bytes = Uint8Array.from({ length: 200_000 }, (_, at) => at % 251);
    await Bun.write(path, bytes);
    await store.put("a/a.png", Bun.file(path), "image/png");
    expect((await s3.client.stat("media/a/a.png")).type).toBe("image/png");
    expect(await store.size("a/a.png")).toBe(200_000);
    expect(await bytesOf(await store.read("a/a.png"))).toEqual(bytes);
    expect(await bytesOf(await store.read("a/a.png", { start: 100, end: 1100 }))).toEqual(bytes.slice(100, 1100));
  });

  test("an absent object has no size and no bytes, and can be deleted", async () => {
    expect(await store.size("none")).toBeNull();
    expect(await store.read("none")).toBeNull();
    await store.delete("none");
  });

  test("objects are listed with their size and time, without the prefix", async () => {
    await store.put("list/one", new Blob(["one"]), "text/plain");
    await store.put("list/two", new Blob(["two!"]), "text/plain");
    const [page] = await Array.fromAsync(store.list("list/"));
    expect(page!.map(({ name, bytes }) => [name, bytes])).toEqual([
      ["list/one", 3],
      ["list/two", 4],
    ]);
    expect(Math.abs(page![0]!.at - Date.now())).toBeLessThan(60_000);
    await store.delete("list/one");
    expect(await store.size("list/one")).toBeNull();
  });

  test("a link gives the bytes to whoever holds it, with their type and name", async () => {
    await store.put("linked", new Blob(["bytes"]), "text/plain");
    const response = await fetch(store.link("linked", { mime: "image/webp", disposition: 'inline; filename="x.webp"' }));
    expect(await response.text()).toBe("bytes");
    expect(response.headers.get("content-type")).toBe("image/webp");
    expect(response.headers.get("content-disposition")).toBe('inline; filename="x.webp"');
  });

  test("a refusal names the store's own word, and neither link nor key", async () => {
    const failure = await open("wrong")
      .put("x", new Blob(["x"]), "text/plain")
      .catch((error) => error);
    expect(failure).toBeInstanceOf(AppError);
    expect(failure.kind).toBe("unavailable");
    expect(failure.message).toBe("The object store refused PUT with 403 (SignatureDoesNotMatch).");
    expect(Bun.inspect(failure)).not.toContain("X-Amz-Signature");
  });

  test("a store that is away is unavailable, and serves again when it is back", async () => {
    await store.put("stays", new Blob(["stays"]), "text/plain");
    await s3.close();
    for (const act of [() => store.put("x", new Blob(["x"]), "text/plain"), () => store.size("stays"), () => Array.fromAsync(store.list())])
      expect(
        (
          await act().then(
            () => null,
            (error) => error,
          )
        )?.kind,
      ).toBe("unavailable");
    s3.open();
    expect(await store.size("stays")).toBe(5);
  });

  test("names of any kind are listed as they were put", async () => {
    const names = ["names/a b+c&d'e(ü)%20.png", "names/plain"];
    for (const name of names) await store.put(name, new Blob(["x"]), "text/plain");
    const listed = (await Array.fromAsync(store.list("names/"))).flat().map(({ name }) => name);
    expect(listed.sort()).toEqual(names);
  });

  test("pages are asked for one after the other, each from where the one before ended", async () => {
    const entry = (name: string) => `<Contents><Key>media/${name}</Key><Size>1</Size></Contents>`;
    const pages: Record<string, string> = {
      "": `${entry("one")}<IsTruncated>true</IsTruncated><NextContinuationToken>to/ken+=</NextContinuationToken>`,
      "to/ken+=": `${entry("two")}<IsTruncated>false</IsTruncated>`,
    };
    // The S3 server of tests cannot continue a list.
    s3.intercept = async ({ url }) => new Response(pages[new URL(url).searchParams.get("continuation-token") ?? ""]);
    const listed = await Array.fromAsync(store.list());
    s3.intercept = null;
    expect(listed.map((page) => page.map(({ name }) => name))).toEqual([["one"], ["two"]]);
  });

  test("a proxy of the environment sees no request, lists among them", async () => {
    await store.put("direct", new Blob(["x"]), "text/plain");
    const seen: string[] = [];
    using proxy = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        seen.push(request.url);
        return new Response("", { status: 502 });
      },
    });
    const script = `
      import { ObjectStore } from ${JSON.stringify(`${import.meta.dir}/object-store.ts`)};
      const store = new ObjectStore(${JSON.stringify({
        ...{ url: `s3://${s3.bucket}/media`, endpoint: s3.endpoint, region: S3_REGION, accessKey: S3_ACCESS_KEY, secretKey: S3_SECRET_KEY },
      })});
      console.log((await Array.fromAsync(store.list("direct"))).flat().length, await store.size("direct"));`;
    const child = Bun.spawn([process.execPath, "-e", script], {
      env: { ...process.env, HTTP_PROXY: proxy.url.href, http_proxy: proxy.url.href },
      ...{ stdout: "pipe", stderr: "inherit" },
    });
    expect(await new Response(child.stdout).text()).toBe("1 1\n");
    expect(seen).toEqual([]);
  }, 15_000);

  describe("that hangs", () => {
    const kindOf = (act: Promise<unknown>) =>
      act.then(
        () => null,
        (error) => [error.kind, error.message],
      );
    const impatient = () => open(S3_SECRET_KEY, 150);
    afterEach(() => {
      s3.intercept = null;
    });

    test("before it answers is away after a while, for a list too", async () => {
      s3.intercept = () => new Promise(() => {});
      const late = ["unavailable", "The object store did not answer in time."];
      expect(await kindOf(impatient().size("x"))).toEqual(late);
      expect(await kindOf(Array.fromAsync(impatient().list()))).toEqual(late);
    });

    test("in the middle of a body fails whoever reads it", async () => {
      s3.intercept = async () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) }));
      const stream = (await impatient().read("x"))!;
      expect(await kindOf(new Response(stream).arrayBuffer())).toEqual([
        "unavailable",
        "The object store stopped sending in the middle of a file.",
      ]);
      expect((await kindOf(Array.fromAsync(impatient().list())))?.[0]).toBe("unavailable");
    });

    test("is not late while nobody reads", async () => {
      await store.put("slow-reader", new Blob([new Uint8Array(5_000_000)]), "text/plain");
      const reader = (await impatient().read("slow-reader"))!.getReader();
      let bytes = (await reader.read()).value!.byteLength;
      await Bun.sleep(400);
      for (let read = await reader.read(); !read.done; read = await reader.read()) bytes += read.value.byteLength;
      expect(bytes).toBe(5_000_000);
    });

    test("is given up by whoever stops, with their reason", async () => {
      s3.intercept = () => new Promise(() => {});
      const stop = new AbortController();
      const put = kindOf(store.put("given-up", new Blob(["x"]), "text/plain", stop.signal));
      const list = kindOf(Array.fromAsync(store.list("", stop.signal)));
      await Bun.sleep(20);
      stop.abort(new AppError("cancelled", "The server is stopping."));
      expect([await put, await list]).toEqual(Array(2).fill(["cancelled", "The server is stopping."]));
    });
  });
});
