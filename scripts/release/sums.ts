// SHA256SUMS of a folder, and its signature by ssh-keygen where FLOW2API_SIGNING_KEY is set.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the signature is for: one made for something else does not verify (`ssh-keygen -Y verify -n`). */
export const NAMESPACE = "flow2api";

/** Writes the sums of all files but itself and its signature, in the order of their names; verify with `sha256sum -c`. */
export async function writeSums(folder: string): Promise<void> {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile() && !entry.name.startsWith("SHA256SUMS"));
  const names = files.map(({ name }) => name).sort();
  const sums = await Promise.all(names.map(async (name) => `${await sha256(join(folder, name))}  ${name}\n`));
  await Bun.write(join(folder, "SHA256SUMS"), sums.join(""));
}

/** SHA-256 of a file, in hex. */
export async function sha256(file: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(file).stream()) hasher.update(chunk);
  return hasher.digest("hex");
}

/**
 * Signs `SHA256SUMS` of the folder as `SHA256SUMS.sig`. The key is a file, or its text, as a build server has it.
 * @throws {Error} ssh-keygen refused; its words, never the key
 */
export async function signSums(folder: string, key: string): Promise<void> {
  const sums = join(folder, "SHA256SUMS");
  const secret = mkdtempSync(join(tmpdir(), "flow2api-sign-"));
  try {
    const isText = key.includes("PRIVATE KEY-----");
    const file = isText ? join(secret, "key") : key;
    if (isText) writeFileSync(file, `${key.trim()}\n`, { mode: 0o600 });
    rmSync(`${sums}.sig`, { force: true });
    const child = Bun.spawn(["ssh-keygen", "-Y", "sign", "-f", file, "-n", NAMESPACE, sums], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const [words, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
    if (code !== 0) throw new Error(`SHA256SUMS could not be signed: ${words.trim()}`);
  } finally {
    rmSync(secret, { recursive: true, force: true });
  }
}
