// Bill of materials in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/, 2026-11-30): bun.lock's packages, and Bun. Prints it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json";
import { type LockedPackage, ROOT, readLocked } from "./lockfile.ts";

type Manifest = { license?: string; licenses?: { type: string }[]; description?: string };
type Licences = { license: { id: string } }[] | { expression: string }[];

const BUN_REF = `bun@${manifest.engines.bun}`;

/** The text of the bill: the same for the same sources, without time or chance. */
export function sbomText(): string {
  const { direct, packages } = readLocked();
  const self = `${manifest.name}@${manifest.version}`;
  const refs = new Map(packages.map((one) => [one.key, refOf(one)]));
  const refsOf = (keys: string[]) => [...new Set(keys.map((key) => refs.get(key)!))].sort();
  const components = new Map(packages.map((one) => [refOf(one), componentOf(one)]));
  const dependencies = new Map(packages.map((one) => [refOf(one), { ref: refOf(one), dependsOn: refsOf(one.dependencies) }]));
  const content = {
    version: 1,
    metadata: {
      lifecycles: [{ phase: "build" }],
      component: {
        type: "application",
        "bom-ref": self,
        name: manifest.name,
        version: manifest.version,
        description: manifest.description,
        licenses: licencesOf(manifest.license),
        purl: `pkg:npm/${manifest.name}@${manifest.version}`,
      },
    },
    components: [bunComponent(), ...components.values()],
    dependencies: [{ ref: self, dependsOn: [BUN_REF, ...refsOf(direct)].sort() }, { ref: BUN_REF }, ...dependencies.values()],
  };
  const head = { $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", bomFormat: "CycloneDX", specVersion: "1.6" };
  return `${JSON.stringify({ ...head, serialNumber: serialOf(JSON.stringify(content)), ...content }, null, 2)}\n`;
}

/** The runtime that every executable contains, of the version that builds it. */
const bunComponent = () => ({
  type: "platform",
  "bom-ref": BUN_REF,
  name: "bun",
  version: manifest.engines.bun,
  description: "JavaScript runtime, built into the executable",
  licenses: licencesOf("MIT"),
  purl: `pkg:github/oven-sh/bun@bun-v${manifest.engines.bun}`,
  externalReferences: [{ type: "website", url: "https://bun.com" }],
});

const refOf = ({ name, version }: LockedPackage): string => `${name}@${version}`;

function componentOf(one: LockedPackage) {
  const { name, version, integrity, folder } = one;
  const [group, bare] = name.startsWith("@") ? name.split("/") : [undefined, name];
  const { license, licenses, description }: Manifest = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
  return {
    type: "library",
    "bom-ref": refOf(one),
    ...(group ? { group } : {}),
    name: bare,
    version,
    ...(description ? { description } : {}),
    scope: "required",
    hashes: [hashOf(integrity)],
    // The second form is how old packages say it.
    licenses: licencesOf(license ?? licenses?.map(({ type }) => type).join(" OR ")),
    purl: `pkg:npm/${group ? `${encodeURIComponent(group)}/` : ""}${bare}@${version}`,
  };
}

const ALGORITHMS: Readonly<Record<string, string>> = { sha512: "SHA-512", sha384: "SHA-384", sha256: "SHA-256", sha1: "SHA-1" };

function hashOf(integrity: string): { alg: string; content: string } {
  const [name = "", base64 = ""] = integrity.split(/-(.*)/s);
  return { alg: ALGORITHMS[name]!, content: Buffer.from(base64, "base64").toString("hex") };
}

/** Names that packages use for what SPDX calls otherwise. */
const SPDX: Readonly<Record<string, string>> = { "BSD-0-Clause": "0BSD" };

function licencesOf(licence: string | undefined): Licences {
  if (!licence) throw new Error("A package says no licence: look at it before it is shipped");
  return / (OR|AND|WITH) /.test(licence) ? [{ expression: licence }] : [{ license: { id: SPDX[licence] ?? licence } }];
}

/** A UUID of its own kind (version 8) from the content. */
function serialOf(content: string): string {
  const hex = new Bun.CryptoHasher("sha256").update(content).digest("hex");
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

if (import.meta.main) process.stdout.write(sbomText());
