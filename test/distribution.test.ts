// What is handed out: the same when made again, listed, signed, and startable by npx without a network.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as Spec from "@cyclonedx/cyclonedx-library/Spec";
import { JsonStrictValidator } from "@cyclonedx/cyclonedx-library/Validation";
import { $ } from "bun";
import manifest from "../package.json";
import { LEFT_OUT } from "../scripts/build.ts";
import { namesOf, productionPackages, readLocked } from "../scripts/release/lockfile.ts";
import { packageName, platformManifest, wrapperManifest } from "../scripts/release/npm.ts";
import { release, versionsText } from "../scripts/release/release.ts";
import { sbomText } from "../scripts/release/sbom.ts";
import { NAMESPACE, sha256, signSums } from "../scripts/release/sums.ts";
import { hostTarget, TARGETS } from "../scripts/release/targets.ts";
import { temporaryFolder } from "../src/testing.ts";
import { startRegistry } from "./npm-registry.ts";

const ROOT = join(import.meta.dir, "..");
const folder = temporaryFolder();
const at = (...names: string[]) => join(folder.path, ...names);
const SIGNER = "release@flow2api.example";

/** A key of its own for this run; the public half as the one signer that is allowed. */
async function throwAwayKey(name: string): Promise<string> {
  await $`ssh-keygen -q -t ed25519 -N ${""} -C throw-away -f ${at(name)}`.quiet();
  return at(name);
}

/** What is built from; `bunfig.toml` too: Bun's build differs without it. */
const SOURCES = "src views config scripts package.json bun.lock bunfig.toml tsconfig.json LICENSE README.md CHANGELOG.md".split(" ");

/** The release of this machine, unsigned; and once more from a copy of the sources, as `bun run release` makes it, signed. */
beforeAll(async () => {
  await release({ folder: at("release"), targets: [hostTarget()], signingKey: "", report: () => {} });
  const key = await throwAwayKey("key");
  await Bun.write(at("allowed_signers"), `${SIGNER} namespaces="${NAMESPACE}" ${await Bun.file(`${key}.pub`).text()}`);
  const other = at("another place");
  for (const part of SOURCES) cpSync(join(ROOT, part), join(other, part), { recursive: true });
  // A folder of its own: names of the build's parts follow from where packages really lie. Linked where that can be done, else copied.
  await $`cp -al ${join(ROOT, "node_modules")} ${join(other, "node_modules")} || cp -R ${join(ROOT, "node_modules")} ${other}`.quiet();
  const made = $`${process.execPath} scripts/release/release.ts --target ${hostTarget()} --folder ${at("again")}`;
  await made
    .cwd(other)
    .env({ ...process.env, FLOW2API_SIGNING_KEY: key })
    .quiet();
}, 240_000);

afterAll(() => folder[Symbol.dispose]());

const released = (name: string) => at("release", name);
const tarball = (name: string) => released(`${name}-${manifest.version}.tgz`);

describe("made again", () => {
  test("in another folder, every file is the same, byte for byte", async () => {
    expect(readFileSync(at("again", "SHA256SUMS"), "utf8")).toBe(readFileSync(released("SHA256SUMS"), "utf8"));
    expect(await sha256(at("again", packageName(hostTarget())))).toBe(await sha256(released(packageName(hostTarget()))));
  });

  test("SHA256SUMS has every file of the release and fits", async () => {
    expect((await $`sha256sum --strict -c SHA256SUMS`.cwd(at("release")).quiet()).exitCode).toBe(0);
    const named = readFileSync(released("SHA256SUMS"), "utf8")
      .trim()
      .split("\n")
      .map((line) => line.slice(66));
    const files = readdirSync(at("release")).filter((name) => !name.startsWith("SHA256SUMS"));
    expect(named).toEqual(files.sort());
    expect(named).toEqual(expect.arrayContaining(["sbom.cdx.json", "versions.json", `flow2api-${manifest.version}.tgz`]));
  });
});

describe("the signature", () => {
  const verify = (sums: string | Uint8Array, options: { namespace?: string; signers?: string; signature?: string } = {}) => {
    const { namespace = NAMESPACE, signers = at("allowed_signers"), signature = at("again", "SHA256SUMS.sig") } = options;
    const args = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", SIGNER, "-n", namespace, "-s", signature];
    return Bun.spawnSync(args, { stdin: Buffer.from(sums) }).exitCode;
  };
  const sums = () => readFileSync(released("SHA256SUMS"));

  test("is made with the key that the environment names, and verifies with its public half", () => {
    expect(verify(sums())).toBe(0);
  });

  test("does not verify what was changed, what another key signed, or what was signed for something else", async () => {
    expect(
      verify(
        sums()
          .toString()
          .replace(/^./, (first) => (first === "0" ? "1" : "0")),
      ),
    ).not.toBe(0);
    expect(verify(sums(), { namespace: "file" })).not.toBe(0);
    const stranger = await throwAwayKey("stranger");
    await Bun.write(at("strange", "SHA256SUMS"), sums());
    await signSums(at("strange"), stranger);
    expect(verify(sums(), { signature: at("strange", "SHA256SUMS.sig") })).not.toBe(0);
  });

  test("is made with the text of a key as well, which lies nowhere afterwards", async () => {
    await Bun.write(at("text", "SHA256SUMS"), sums());
    await signSums(at("text"), readFileSync(at("key"), "utf8"));
    expect(verify(sums(), { signature: at("text", "SHA256SUMS.sig") })).toBe(0);
    expect(readdirSync(at("text")).sort()).toEqual(["SHA256SUMS", "SHA256SUMS.sig"]);
  });

  test("is not made without a key, and a wrong one is reported without its text", async () => {
    expect(existsSync(released("SHA256SUMS.sig"))).toBe(false);
    const wrong = "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret-of-nobody\n-----END OPENSSH PRIVATE KEY-----";
    const failure = await signSums(at("text"), wrong).catch((error) => String(error));
    expect(failure).toContain("SHA256SUMS could not be signed");
    expect(failure).not.toContain("secret-of-nobody");
  });
});

describe("the bill of materials", () => {
  type Component = {
    type: string;
    group?: string;
    name: string;
    version: string;
    hashes?: { alg: string; content: string }[];
    licenses: unknown[];
    purl: string;
  };
  const bill = JSON.parse(sbomText()) as { components: Component[]; dependencies: { ref: string; dependsOn?: string[] }[] };
  const idOf = ({ group, name, version }: Component) => `${group ? `${group}/` : ""}${name}@${version}`;

  test("is valid CycloneDX 1.6", async () => {
    expect(await new JsonStrictValidator(Spec.Version.v1dot6).validate(sbomText())).toBeNull();
  });

  test("has the Bun that builds it", () => {
    expect(bill.components.filter(({ type }) => type === "platform").map(idOf)).toEqual([`bun@${Bun.version}`]);
  });

  test("has every package that the lock has for run time, with its sum and its licence", () => {
    const libraries = bill.components.filter(({ type }) => type === "library");
    const locked = readLocked().packages;
    expect(libraries.map(idOf).sort()).toEqual([...new Set(locked.map(({ name, version }) => `${name}@${version}`))].sort());
    for (const { name, version, integrity } of locked) {
      const { hashes, licenses, purl } = libraries.find((one) => idOf(one) === `${name}@${version}`)!;
      expect(hashes).toEqual([{ alg: "SHA-512", content: Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex") }]);
      expect(licenses).toHaveLength(1);
      expect(decodeURIComponent(purl)).toBe(`pkg:npm/${name}@${version}`);
    }
  });

  test("has every package that is really built in, and nothing that is for development alone", async () => {
    const { outputs } = await Bun.build({
      entrypoints: [join(ROOT, "src/main.ts")],
      target: "bun",
      sourcemap: "external",
      external: LEFT_OUT,
    });
    const maps = await Promise.all(outputs.filter(({ kind }) => kind === "sourcemap").map((map) => map.json()));
    const sources = maps.flatMap((map) => map.sources as string[]).filter((path) => path.includes("node_modules/"));
    const built = new Set(sources.map((path) => namesOf(path.split("node_modules/").at(-1)!)[0]!));
    expect(built.size).toBeGreaterThan(10);
    const listed = new Set(bill.components.map(({ group, name }) => (group ? `${group}/${name}` : name)));
    expect([...built].filter((name) => !listed.has(name))).toEqual([]);
    const { dependencies, devDependencies } = manifest;
    expect(Object.keys(dependencies).filter((name) => !listed.has(name))).toEqual([]);
    expect(Object.keys(devDependencies).filter((name) => listed.has(name) && !(name in dependencies))).toEqual([]);
  });

  test("says what depends on what, and everything is reached from the program", () => {
    const edges = new Map(bill.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
    const reached = new Set<string>();
    const visit = (ref: string) => {
      if (reached.has(ref)) return;
      reached.add(ref);
      for (const next of edges.get(ref)!) visit(next);
    };
    visit(`flow2api@${manifest.version}`);
    expect(bill.components.map(idOf).filter((id) => !reached.has(id))).toEqual([]);
  });

  test("finds a package below its parent before one of the same name at the root, and leaves out optional peers and those for development", () => {
    const lock = `{
      "workspaces": { "": { "dependencies": { "a": "1", }, "devDependencies": { "types": "1" } } },
      "packages": {
        "a": ["a@1.0.0", "", { "dependencies": { "@s/b": "2" }, "peerDependencies": { "types": "*", "c": "*", "d": "*" }, "optionalPeers": ["d"] }, "sha512-YQ=="],
        "@s/b": ["@s/b@1.0.0", "", {}, "sha512-Yg=="],
        "a/@s/b": ["@s/b@2.0.0", "", { "optionalDependencies": { "none": "1" } }, "sha512-Yw=="],
        "c": ["c@3.0.0", "", {}, "sha512-ZA=="], "d": ["d@4.0.0", "", {}, "sha512-ZQ=="], "types": ["types@1.0.0", "", {}, "sha512-Zg=="],
      },
    }`;
    const { packages } = productionPackages(lock);
    expect(packages.map(({ name, version, folder }) => [name, version, folder])).toEqual([
      ["a", "1.0.0", "node_modules/a"],
      ["@s/b", "2.0.0", "node_modules/a/node_modules/@s/b"],
      ["c", "3.0.0", "node_modules/c"],
    ]);
  });
});

test("versions.json has the versions of the changelog", () => {
  const text = "# Changelog\n\n## 1.2.0 - 2027-01-02\n\n- x 9.9.9\n\n## [1.1.0-rc.1] 2026-12-01\n\n## 1.0.0\n";
  expect(JSON.parse(versionsText(text))).toEqual({
    versions: [{ version: "1.2.0", date: "2027-01-02" }, { version: "1.1.0-rc.1", date: "2026-12-01" }, { version: "1.0.0" }],
  });
  expect(JSON.parse(readFileSync(released("versions.json"), "utf8")).versions[0].version).toBe(manifest.version);
});

describe("packages for npm", () => {
  const manifests = [wrapperManifest(), ...TARGETS.map(platformManifest)] as Record<string, unknown>[];

  test.each(TARGETS.map((target) => [target]))("%s is installed where it runs, and only there", (target) => {
    const [, system, cpu, libc] = target.split("-");
    const os = system === "windows" ? "win32" : system;
    expect(platformManifest(target)).toMatchObject({ os: [os], cpu: [cpu], ...(os === "linux" ? { libc: [libc ?? "glibc"] } : {}) });
  });

  test("the wrapper asks for every platform, in its own version", () => {
    const expected = Object.fromEntries(TARGETS.map((target) => [packageName(target), manifest.version]));
    expect(manifests[0]).toMatchObject({ optionalDependencies: expected, bin: { flow2api: "bin/flow2api.js" } });
  });

  test("none runs anything while it is installed", () => {
    expect(manifests.filter((one) => "scripts" in one)).toEqual([]);
  });

  /** npm in a home of its own, with the registry of the test and no other way out. */
  const npm = async (folder: string, registry: string, args: string[]) => {
    const child = Bun.spawn(["npm", ...args], {
      cwd: folder,
      env: {
        PATH: process.env.PATH ?? "",
        HOME: folder,
        npm_config_registry: registry,
        npm_config_cache: join(folder, "cache"),
        npm_config_update_notifier: "false",
        npm_config_https_proxy: "http://127.0.0.1:1",
        npm_config_noproxy: "127.0.0.1",
      },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
    return { code, stdout, stderr };
  };

  describe("installed without a network", () => {
    beforeAll(async () => {
      await using registry = await startRegistry(at("release"));
      await Bun.write(at("project", "package.json"), "{}");
      const { code, stderr } = await npm(at("project"), registry.url, [
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "flow2api",
      ]);
      expect([code, stderr]).toEqual([0, ""]);
    }, 120_000);

    const wrapper = () => at("project", "node_modules/flow2api/bin/flow2api.js");
    const run = (args: string[], before: string[] = ["node"]) => {
      const { exitCode, stdout, stderr } = Bun.spawnSync([...before, wrapper(), ...args], { cwd: at("project") });
      return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
    };

    test("npx starts the executable of this machine", async () => {
      const { code, stdout } = await npm(at("project"), "http://127.0.0.1:1", ["exec", "--offline", "flow2api", "version"]);
      expect([code, stdout]).toEqual([0, `flow2api ${manifest.version}\n`]);
    }, 60_000);

    test("npx fetches it by itself where it is not installed", async () => {
      await using registry = await startRegistry(at("release"));
      await Bun.write(at("empty", "here"), "");
      const { code, stdout } = await npm(at("empty"), registry.url, ["exec", "--yes", "flow2api", "version"]);
      expect([code, stdout]).toEqual([0, `flow2api ${manifest.version}\n`]);
      expect(registry.asked).toContain(`/tarballs/${packageName(hostTarget())}-${manifest.version}.tgz`);
    }, 60_000);

    test.each([
      [["version"], 0],
      [["nonsense"], 2],
      [["healthcheck", "--port", "1"], 1],
    ])("%p ends with the executable's own code, %i", (args, code) => {
      expect(run(args).code).toBe(code);
    });

    test("it starts under Bun as well", () => {
      expect(run(["version"], [process.execPath]).stdout).toBe(`flow2api ${manifest.version}\n`);
    });

    test.each(["SIGTERM", "SIGINT"] as const)(
      "%s reaches the server, which stops in order",
      async (signal) => {
        const data = at("data", signal);
        const env = { PATH: process.env.PATH ?? "", FLOW2API_STORAGE_DATA_DIR: data, FLOW2API_LOG_FORMAT: "json" };
        const args = ["serve", "--host", "127.0.0.1", "--port", "0"];
        const child = Bun.spawn(["node", wrapper(), ...args], {
          cwd: at("project"),
          env,
          stdin: "ignore",
          stdout: "ignore",
          stderr: "pipe",
        });
        let logged = "";
        for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
          const isFirst = !logged.includes('"listening"');
          logged += chunk;
          if (isFirst && logged.includes('"listening"')) child.kill(signal);
        }
        expect(await child.exited).toBe(0);
        expect(logged).toContain('"stopped"');
      },
      60_000,
    );

    test("without its optional packages it says what to do", async () => {
      await using registry = await startRegistry(at("release"));
      await Bun.write(at("omitted", "package.json"), "{}");
      const omit = ["install", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "flow2api"];
      expect((await npm(at("omitted"), registry.url, omit)).code).toBe(0);
      const { exitCode, stderr } = Bun.spawnSync(["node", at("omitted", "node_modules/flow2api/bin/flow2api.js"), "version"]);
      expect([exitCode, stderr.toString()]).toEqual([1, expect.stringContaining("Install flow2api without --omit=optional")]);
    }, 60_000);

    test("on a machine that no executable is made for it says which there are", () => {
      const code = `Object.defineProperty(process, "arch", { value: "mips" }); require(${JSON.stringify(wrapper())})`;
      const { exitCode, stderr } = Bun.spawnSync(["node", "-e", code]);
      expect([exitCode, stderr.toString()]).toEqual([1, expect.stringMatching(/no executable for linux-mips.*linux-x64, .*windows-x64/)]);
    });
  });

  test("the packed packages hold what they should, and the executable is one", async () => {
    const list = async (name: string) => (await $`tar -tvzf ${tarball(name)}`.text()).trim().split("\n");
    const platform = await list(packageName(hostTarget()));
    expect(platform.map((line) => line.split(" ").at(-1)).sort()).toEqual(
      ["package/LICENSE", "package/README.md", "package/bin/flow2api", "package/package.json"].sort(),
    );
    expect(platform.find((line) => line.endsWith("bin/flow2api"))).toStartWith("-rwxr-xr-x");
    expect((await list("flow2api")).map((line) => line.split(" ").at(-1))).toContain("package/bin/flow2api.js");
  });
});
