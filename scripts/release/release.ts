// A release: every executable, packages for npm, bill of materials, versions, sums, signature. `--target T` makes that one only.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { $ } from "bun";
import { build } from "../build.ts";
import { ROOT } from "./lockfile.ts";
import { layOutPlatform, layOutWrapper } from "./npm.ts";
import { sbomText } from "./sbom.ts";
import { signSums, writeSums } from "./sums.ts";
import { TARGETS, type Target } from "./targets.ts";

export type ReleaseOptions = {
  folder: string;
  targets: readonly Target[];
  /** File or text of the key that signs; empty: unsigned. */
  signingKey: string;
  report(line: string): void;
};

/** Writes everything into the folder, which is emptied first. */
export async function release({ folder, targets, signingKey, report }: ReleaseOptions): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const packages = join(folder, "npm");
  mkdirSync(packages, { recursive: true });
  await pack(await layOutWrapper(packages), folder);
  for (const target of targets) {
    const file = join(folder, target.replace("bun-", "flow2api-") + (target.includes("windows") ? ".exe" : ""));
    await build(file, target);
    await pack(await layOutPlatform(packages, target, file), folder);
    report(`built ${basename(file)}`);
  }
  rmSync(packages, { recursive: true });
  await Bun.write(join(folder, "sbom.cdx.json"), sbomText());
  await Bun.write(join(folder, "versions.json"), versionsText(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8")));
  await writeSums(folder);
  if (signingKey !== "") await signSums(folder, signingKey);
  report(signingKey === "" ? "SHA256SUMS is not signed: FLOW2API_SIGNING_KEY is not set" : "signed SHA256SUMS");
}

const pack = (at: string, folder: string) => $`npm pack --silent --pack-destination ${folder} ${at}`.quiet();

/** What `flow2api upgrade --check` reads: the versions that the changelog has, newest first. */
export function versionsText(changelog: string): string {
  const versions = [...changelog.matchAll(/^## \[?v?(\d+\.\d+\.\d+[^\s\]]*)\]?(?:.*?(\d{4}-\d\d-\d\d))?/gm)];
  return `${JSON.stringify({ versions: versions.map(([, version, date]) => ({ version, ...(date ? { date } : {}) })) }, null, 2)}\n`;
}

if (import.meta.main) {
  const options = { folder: { type: "string", default: join(ROOT, "dist/release") }, target: { type: "string", multiple: true } } as const;
  const { folder, target = [...TARGETS] } = parseArgs({ options }).values;
  const targets = TARGETS.filter((one) => target.includes(one));
  await release({ folder: resolve(folder), targets, signingKey: process.env.FLOW2API_SIGNING_KEY ?? "", report: console.log });
}
