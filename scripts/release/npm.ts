// Packages for npm: the wrapper `flow2api`, and one with an executable for each platform. `bun scripts/release/npm.ts` lays out this machine's.
import { chmodSync, copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json";
import { ROOT } from "./lockfile.ts";
import { hostTarget, TARGETS, type Target } from "./targets.ts";

/** What every package has; no package runs anything while it is installed. */
const common = { version: manifest.version, license: manifest.license };

export const packageName = (target: Target): string => target.replace(/^bun-/, "flow2api-");

const executableName = (target: Target): string => (target.includes("windows") ? "flow2api.exe" : "flow2api");

/** `cpu`, `os` and `libc` as npm reads them: others do not install the package. */
export function platformManifest(target: Target): object {
  const [, system = "", cpu, libc] = target.split("-");
  const os = system === "windows" ? "win32" : system;
  return {
    name: packageName(target),
    ...common,
    description: `The executable of flow2api for ${target.slice("bun-".length)}; install flow2api instead`,
    os: [os],
    cpu: [cpu],
    ...(os === "linux" ? { libc: [libc ?? "glibc"] } : {}),
    files: ["bin"],
    preferUnplugged: true,
  };
}

export const wrapperManifest = (): object => ({
  name: manifest.name,
  ...common,
  description: manifest.description,
  keywords: ["gemini", "openai", "image-generation", "video-generation", "gateway", "nano-banana", "veo"],
  bin: { flow2api: "bin/flow2api.js" },
  files: ["bin"],
  engines: { node: ">=18" },
  optionalDependencies: Object.fromEntries(TARGETS.map((target) => [packageName(target), manifest.version])),
});

/** Lays out the wrapper in `folder/flow2api`. */
export async function layOutWrapper(folder: string): Promise<string> {
  const at = join(folder, manifest.name);
  await layOut(at, wrapperManifest());
  copyFileSync(join(import.meta.dir, "npm-wrapper.cjs"), join(at, "bin/flow2api.js"));
  chmodSync(join(at, "bin/flow2api.js"), 0o755);
  copyFileSync(join(ROOT, "README.md"), join(at, "README.md"));
  return at;
}

/** Lays out the package of a platform around its executable. */
export async function layOutPlatform(folder: string, target: Target, executable: string): Promise<string> {
  const at = join(folder, packageName(target));
  await layOut(at, platformManifest(target));
  const file = join(at, "bin", executableName(target));
  copyFileSync(executable, file);
  chmodSync(file, 0o755);
  await Bun.write(join(at, "README.md"), `# ${packageName(target)}\n\nA part of flow2api: \`npx flow2api\`.\n`);
  return at;
}

async function layOut(at: string, content: object): Promise<void> {
  rmSync(at, { recursive: true, force: true });
  mkdirSync(join(at, "bin"), { recursive: true });
  await Bun.write(join(at, "package.json"), `${JSON.stringify(content, null, 2)}\n`);
  copyFileSync(join(ROOT, "LICENSE"), join(at, "LICENSE"));
}

if (import.meta.main) {
  const folder = join(ROOT, "dist/npm");
  const { build } = await import("../build.ts");
  const executable = join(ROOT, "dist/flow2api");
  await build(executable);
  console.log(await layOutWrapper(folder));
  console.log(await layOutPlatform(folder, hostTarget(), executable));
}
