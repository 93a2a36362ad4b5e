// A registry of npm on loopback that serves packed packages and knows no others.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { $ } from "bun";

export type Registry = AsyncDisposable & { url: string /** Paths that were asked for. */; asked: string[] };

/** Serves every `.tgz` of the folder. */
export async function startRegistry(folder: string): Promise<Registry> {
  const files = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  const packed = await Promise.all(
    files.map(async (file) => ({ file, manifest: JSON.parse(await $`tar -xzOf ${join(folder, file)} package/package.json`.text()) })),
  );
  const asked: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const { pathname, origin } = new URL(request.url);
      asked.push(pathname);
      const file = files.find((name) => pathname === `/tarballs/${name}`);
      if (file) return new Response(Bun.file(join(folder, file)));
      const found = packed.find(({ manifest }) => pathname === `/${manifest.name}`);
      if (!found) return Response.json({ error: "not found" }, { status: 404 });
      const { name, version } = found.manifest;
      const hash = new Bun.CryptoHasher("sha512").update(readFileSync(join(folder, found.file))).digest("base64");
      const dist = { tarball: `${origin}/tarballs/${found.file}`, integrity: `sha512-${hash}` };
      return Response.json({ name, "dist-tags": { latest: version }, versions: { [version]: { ...found.manifest, dist } } });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, asked, [Symbol.asyncDispose]: () => server.stop(true) };
}
