// token add, import and export with service accounts, against a simulator that checks signatures.
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadSecretKey } from "../../db/sqlite/secrets.ts";
import { openStore } from "../../db/sqlite/store.ts";
import { startSimulator } from "../../simulator/simulator.ts";
import { temporaryFolder } from "../../testing.ts";
import { runRecorded } from "../testing.ts";

const folder = temporaryFolder();
const simulator = await startSimulator();
// The recorded command line has its own date, which a signature bears.
simulator.advance(Date.UTC(2026, 10, 23, 12) - Date.now());
afterAll(async () => {
  await simulator.stop();
  folder[Symbol.dispose]();
});

const env = { FLOW2API_VERTEX_BASE_URL: simulator.vertexBaseUrl, FLOW2API_VERTEX_TOKEN_URL: simulator.vertexTokenUrl };
let folders = 0;
function fresh() {
  const data = join(folder.path, `data-${folders++}`);
  const cli = (stdin: string, ...argv: string[]) => runRecorded({ cwd: folder.path, env, stdin }, ...argv, "--data", data);
  return { data, cli };
}
async function tokensOf(data: string) {
  const store = await openStore({ dataDir: data, secretKey: loadSecretKey(data, {}) });
  const rows = await store.listTokens();
  const secrets = await Promise.all(rows.map(({ id }) => store.readTokenSecret(id)));
  await store.close();
  return rows.map((row, index) => ({ ...row, ...secrets[index]! }));
}
const ADD = ["token", "add", "--provider", "vertex", "--secret", "-"];

describe("token add --provider vertex --secret -", () => {
  test("checks the JSON, stores what it is, and its access token", async () => {
    const { data, cli } = fresh();
    const { code, out, err } = await cli(simulator.serviceAccount({ project: "cli-project" }), ...ADD);
    expect({ code, out }).toEqual({ code: 0, out: "1\n" });
    expect(err).toContain("painter@cli-project.iam.gserviceaccount.com");
    expect(err).toContain("gemini-3-pro-image");
    const [token] = await tokensOf(data);
    expect(token).toMatchObject({
      provider: "vertex",
      label: "vertex-1",
      group: "cli-project",
      identity: "painter@cli-project.iam.gserviceaccount.com",
      location: null,
      state: { access: { accessToken: expect.stringContaining("ya29.") } },
    });
    const { private_key_id } = JSON.parse(simulator.serviceAccount({ project: "cli-project" }));
    expect(token!.hint).toBe(private_key_id.slice(-4));
  });

  test("a location and a group of one's own", async () => {
    const { data, cli } = fresh();
    const { code } = await cli(simulator.serviceAccount(), ...ADD, "--location", "us-central1", "--group", "mine");
    expect(code).toBe(0);
    expect((await tokensOf(data))[0]).toMatchObject({ location: "us-central1", group: "mine", families: ["gemini-2.5-flash-image"] });
    expect((await cli("", "token", "set", "1", "--location", "global")).code).toBe(0);
    expect((await tokensOf(data))[0]).toMatchObject({ location: null, families: null, checkedAt: null });
    const wrong = await cli("", "token", "set", "1", "--location", "https://evil.example");
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("--location: expected a location")]);
  });

  test("an account without its role is refused with the mend", async () => {
    const { data, cli } = fresh();
    const { code, err } = await cli(simulator.serviceAccount({ name: "noiam-painter" }), ...ADD);
    expect(code).toBe(1);
    expect(err).toContain("roles/aiplatform.user");
    expect(await tokensOf(data)).toEqual([]);
  });

  test("a foreign token_uri is refused before anything is called", async () => {
    const { data, cli } = fresh();
    simulator.reset();
    const json = JSON.stringify({ ...JSON.parse(simulator.serviceAccount()), token_uri: "https://evil.example/token" });
    const { code, err } = await cli(json, ...ADD);
    expect([code, err]).toEqual([2, expect.stringContaining("token_uri that is not Google's")]);
    expect(err).not.toContain("evil");
    expect(simulator.calls()).toEqual([]);
    await expect(tokensOf(data)).resolves.toEqual([]);
  });

  test("a key of express mode", async () => {
    const { data, cli } = fresh();
    const { code } = await cli("AQ.express-key-0123456789abcdef", ...ADD);
    expect(code).toBe(0);
    expect((await tokensOf(data))[0]).toMatchObject({ provider: "vertex", secret: "AQ.express-key-0123456789abcdef", group: null });
  });
});

test("an export with secrets goes into another pool as it was", async () => {
  const { cli, data } = fresh();
  await cli(simulator.serviceAccount({ project: "move-project" }), ...ADD, "--no-check", "--location", "eu", "--label", "mover");
  for (const format of ["json", "csv", "lines"]) {
    const { out } = await cli("", "token", "export", "--secrets", "--format", format);
    const other = fresh();
    writeFileSync(join(folder.path, "moved"), out);
    const { out: report } = await other.cli("", "token", "import", join(folder.path, "moved"));
    expect(report).toContain("1 new, 0 known, 0 invalid");
    const [before] = await tokensOf(data);
    const [after] = await tokensOf(other.data);
    expect(after).toMatchObject({ provider: "vertex", secret: before!.secret, group: "move-project" });
    if (format !== "lines") expect(after).toMatchObject({ location: "eu", label: "mover" });
  }
});
