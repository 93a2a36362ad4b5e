// Targets of a release, as `bun build --target` names them.

export const TARGETS = [
  "bun-linux-x64",
  "bun-linux-arm64",
  "bun-linux-x64-musl",
  "bun-linux-arm64-musl",
  "bun-darwin-x64",
  "bun-darwin-arm64",
  "bun-windows-x64",
] as const;

export type Target = (typeof TARGETS)[number];

/** The target of this machine. @throws {Error} there is none */
export function hostTarget(): Target {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const musl = system === "linux" && !header.glibcVersionRuntime ? "-musl" : "";
  const target = TARGETS.find((one) => one === `bun-${system}-${process.arch}${musl}`);
  if (!target) throw new Error(`No target of a release is ${system}-${process.arch}${musl}`);
  return target;
}
