#!/usr/bin/env node
// Starts the flow2api executable of this machine, which one of the packages in optionalDependencies brings. Plain Node from version 18 on.
"use strict";
const { spawn } = require("node:child_process");
const { accessSync, chmodSync, constants, existsSync } = require("node:fs");

/** Alpine and its like have another C library, told by what Node was built for. */
function isMusl() {
  if (process.platform !== "linux") return false;
  if (process.report) {
    process.report.excludeNetwork = true;
    const report = process.report.getReport();
    const { header } = typeof report === "string" ? JSON.parse(report) : report;
    if (header?.glibcVersionRuntime) return false;
  }
  return existsSync("/etc/alpine-release") || existsSync(`/lib/ld-musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

const system = process.platform === "win32" ? "windows" : process.platform;
const name = `flow2api-${system}-${process.arch}${isMusl() ? "-musl" : ""}`;
const { optionalDependencies } = require("../package.json");

function find() {
  try {
    return require.resolve(`${name}/bin/flow2api${system === "windows" ? ".exe" : ""}`);
  } catch {
    return null;
  }
}

if (!(name in optionalDependencies)) {
  const known = Object.keys(optionalDependencies).map((one) => one.slice("flow2api-".length));
  fail(`flow2api has no executable for ${name.slice("flow2api-".length)}. There is one for: ${known.join(", ")}.`);
}
const executable = find();
if (executable === null) {
  fail(
    `The package ${name}@${optionalDependencies[name]} is not installed: it brings the executable. ` +
      "Install flow2api without --omit=optional and --no-optional, and not from a node_modules folder of another system.",
  );
}
try {
  accessSync(executable, constants.X_OK);
} catch {
  try {
    chmodSync(executable, 0o755);
  } catch {}
}

const args = process.argv.slice(2);
if (process.execve) {
  // From Node 22.15 on: this process becomes the program, which then gets signals itself.
  try {
    process.execve(executable, [executable, ...args], process.env);
  } catch {}
}
const child = spawn(executable, args, { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    // At a terminal Ctrl+C has reached the program already; a second one would end it at once.
    if (signal === "SIGINT" && process.stdin.isTTY) return;
    child.kill(signal);
  });
}
child.on("error", (error) => fail(`${executable} cannot be started: ${error.message}`));
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
