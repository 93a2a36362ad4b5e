// Tar archives: read by other programs, written by other programs, malformed ones refused.
import { describe, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../errors.ts";
import { temporaryFolder } from "../testing.ts";
import { createTar, readTar } from "./tar.ts";

const NOW = Date.UTC(2026, 10, 23);
const text = (value: string) => new TextEncoder().encode(value);
const SIZES = [0, 1, 511, 512, 513, 1_048_576, 1_048_577];
const nameOf = (size: number) => `media/${size}.bin`;

async function writeAll(folder: string): Promise<string> {
  const file = join(folder, "a.tar");
  const tar = await createTar(file, NOW);
  for (const size of SIZES) {
    const path = join(folder, `${size}`);
    writeFileSync(path, Buffer.alloc(size, `${size};`));
    expect(await tar.addFile(nameOf(size), path)).toMatchObject({ bytes: size });
  }
  await tar.addBytes("last.json", text("{}"));
  await tar.close();
  return file;
}

const refusal = async (file: string): Promise<string> => {
  try {
    for await (const entry of readTar(file)) await entry.read(1e9);
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
  throw new Error("It was not refused.");
};

describe("an archive", () => {
  test("is for its owner only and comes back as it was, whether its entries are read, copied or passed over", async () => {
    using folder = temporaryFolder();
    const file = await writeAll(folder.path);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const names: string[] = [];
    for await (const entry of readTar(file)) {
      names.push(entry.name);
      if (entry.bytes === 512) continue;
      const original = entry.name === "last.json" ? Buffer.from("{}") : readFileSync(join(folder.path, `${entry.bytes}`));
      const { sha256 } = await entry.copyTo(join(folder.path, `copy-${names.length}`));
      expect(sha256).toBe(new Bun.CryptoHasher("sha256").update(original).digest("hex"));
      expect(Buffer.from(await entry.read(1e9)).equals(original)).toBe(true);
    }
    expect(names).toEqual([...SIZES.map(nameOf), "last.json"]);
  });

  test("is read by another implementation", async () => {
    using folder = temporaryFolder();
    const files = await new Bun.Archive(await Bun.file(await writeAll(folder.path)).bytes()).files();
    for (const size of SIZES)
      expect(await files.get(nameOf(size))?.bytes()).toEqual(new Uint8Array(readFileSync(join(folder.path, `${size}`))));
  });

  test("of another implementation is read", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "b.tar");
    await Bun.write(file, new Bun.Archive({ "one.txt": "first", "two/three.txt": "second" }));
    const found: string[] = [];
    for await (const entry of readTar(file)) found.push(`${entry.name}: ${new TextDecoder().decode(await entry.read(100))}`);
    expect(found).toEqual(["one.txt: first", "two/three.txt: second"]);
  });

  test("that is cut off, changed in a header, or none is refused", async () => {
    using folder = temporaryFolder();
    const bytes = readFileSync(await writeAll(folder.path));
    const file = join(folder.path, "bad");
    for (const length of [1, 511, 513, 5000, bytes.length - 1500]) {
      writeFileSync(file, bytes.subarray(0, length));
      expect(await refusal(file)).toContain("it ends too early");
    }
    const changed = Buffer.from(bytes);
    changed[3]! ^= 1;
    writeFileSync(file, changed);
    expect(await refusal(file)).toContain("no tar archive");
    writeFileSync(file, Buffer.alloc(2048, "canary"));
    expect(await refusal(file)).toContain("no tar archive");
  });

  test("never replaces a file", async () => {
    using folder = temporaryFolder();
    await expect(createTar(await writeAll(folder.path), NOW)).rejects.toThrow("EEXIST");
  });
});
