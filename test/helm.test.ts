// The Helm chart, as `helm template` renders it: where helm is at hand (FLOW2API_TEST_HELM, or on the path).

import { describe, expect, test } from "bun:test";
import { join } from "node:path";

const helm = process.env.FLOW2API_TEST_HELM ?? Bun.which("helm");
if (!helm) console.error("!!! No helm on the path: THE CHART IN deploy/helm IS NOT RENDERED. Install it, or set FLOW2API_TEST_HELM.");

const CHART = join(import.meta.dir, "../deploy/helm/flow2api");
const GIVEN = {
  "secrets.secretKey": "c2VjcmV0",
  "secrets.databaseUrl": "postgres://u:p@db/flow2api",
  "secrets.s3AccessKey": "access",
  "secrets.s3SecretKey": "secret",
  "media.url": "s3://bucket/media",
};

type Manifest = {
  kind: string;
  metadata: { name: string };
  spec: Record<string, never> & { template: never };
  stringData?: Record<string, string>;
};

async function render(values: Record<string, string>): Promise<{ code: number; err: string; manifests: Manifest[] }> {
  const sets = Object.entries(values).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const child = Bun.spawn([helm!, "template", "images", CHART, ...sets], { stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  const manifests = out
    .split(/^---$/m)
    .map((text) => Bun.YAML.parse(text) as Manifest | null)
    .filter((manifest) => manifest !== null);
  return { code, err, manifests };
}

describe.skipIf(!helm)("the chart", () => {
  test("makes nodes that share one secret, know their own address, and are asked whether they are ready", async () => {
    const { code, err, manifests } = await render(GIVEN);
    expect([code, err]).toEqual([0, ""]);
    expect(manifests.map(({ kind }) => kind).sort()).toEqual(["PodDisruptionBudget", "Secret", "Service", "Service", "StatefulSet"]);
    const nodes = manifests.find(({ kind }) => kind === "StatefulSet")!;
    const pod = nodes.spec.template as { spec: { containers: { env: { name: string; value?: string }[]; readinessProbe: unknown }[] } };
    const [container] = pod.spec.containers;
    const env = Object.fromEntries(container!.env.map(({ name, value }) => [name, value]));
    expect(env.FLOW2API_SERVER_NODE_URL).toBe("http://$(POD_IP):8000");
    expect(env.FLOW2API_STORAGE_MEDIA_URL).toBe("s3://bucket/media");
    expect(container!.readinessProbe).toMatchObject({ httpGet: { path: "/ready" } });
    const secret = manifests.find(({ kind }) => kind === "Secret")!;
    expect(secret.stringData!["database-url"]).toBe("postgres://u:p@db/flow2api");
  });

  test.each(Object.keys(GIVEN).map((name) => [name]))("without %s says what is expected", async (name) => {
    const { code, err } = await render(Object.fromEntries(Object.entries(GIVEN).filter(([key]) => key !== name)));
    expect(code).not.toBe(0);
    expect(err).toContain(`${name}: expected`);
  });

  test("with a secret of one's own makes none", async () => {
    const { manifests } = await render({
      existingSecret: "mine",
      "media.url": "s3://bucket/media",
      "ingress.enabled": "true",
      "ingress.host": "i.example",
    });
    expect(manifests.map(({ kind }) => kind).sort()).toEqual(["Ingress", "PodDisruptionBudget", "Service", "Service", "StatefulSet"]);
  });
});
