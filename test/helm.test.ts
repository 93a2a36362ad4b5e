// The Helm chart, as `helm template` renders it: where helm is at hand (FLOW2API_TEST_HELM, or on the path).

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { loadConfig } from "../src/config/config.ts";

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

/** Each value that the chart knows, none as it is by default. */
const ALL = {
  replicas: 3,
  secrets: {
    secretKey: "c2VjcmV0",
    databaseUrl: "postgres://u:p@pooler/flow2api",
    databaseDirectUrl: "postgres://u:p@db/flow2api",
    s3AccessKey: "access",
    s3SecretKey: 'a "secret": yes',
  },
  image: { repository: "registry.example/flow2api", tag: "0.2.1", pullPolicy: "Always", pullSecrets: [{ name: "registry" }] },
  media: { url: "s3://bucket/media", endpoint: "https://s3.example", region: "eu-central-1", redirect: true },
  publicUrl: "https://images.example",
  trustProxy: ["10.0.0.0/8", "192.168.0.0/16"],
  env: { FLOW2API_GENERATION_IMAGE_TIMEOUT: "600", FLOW2API_SERVER_DRAIN_TIMEOUT: 20 },
  volume: { size: "9Gi", storageClass: "fast" },
  service: { type: "LoadBalancer", port: 8080 },
  ingress: { enabled: true, className: "nginx", host: "images.example", tlsSecret: "tls", annotations: { "example.com/of": "ours" } },
  terminationGracePeriodSeconds: 90,
  resources: { limits: { memory: "1Gi" } },
  nodeSelector: { disk: "ssd" },
  tolerations: [{ key: "images", operator: "Exists" }],
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [] }] } } },
};

type Variable = {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: { name: string; key: string }; fieldRef?: { fieldPath: string } };
};

/** The environment of a container as Kubernetes gives it: secrets read, `$(NAME)` replaced by what stands above. */
function environmentOf(manifests: Manifest[]): Record<string, string> {
  const secret = manifests.find(({ kind }) => kind === "Secret")!;
  const env: Record<string, string> = {};
  for (const { name, value, valueFrom } of containerOf(manifests).env) {
    const ref = valueFrom?.secretKeyRef;
    if (ref) expect(ref.name).toBe(secret.metadata.name);
    env[name] = ref ? secret.stringData![ref.key]! : valueFrom ? "10.1.2.3" : value!.replace(/\$\((\w+)\)/g, (_, of) => env[of]!);
  }
  return env;
}

type Pod = { spec: Record<string, unknown> & { containers: { image: string; env: Variable[]; readinessProbe: unknown }[] } };
const podOf = (manifests: Manifest[]) => manifests.find(({ kind }) => kind === "StatefulSet")!.spec.template as Pod;
const containerOf = (manifests: Manifest[]) => podOf(manifests).spec.containers[0]!;

type Manifest = {
  kind: string;
  metadata: { name: string };
  spec: Record<string, unknown>;
  stringData?: Record<string, string>;
};

async function render(values: Record<string, string>, file?: object): Promise<{ code: number; err: string; manifests: Manifest[] }> {
  const sets = Object.entries(values).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const stdin = new TextEncoder().encode(JSON.stringify(file ?? {}));
  const child = Bun.spawn([helm!, "template", "images", CHART, "--values", "-", ...sets], { stdin, stdout: "pipe", stderr: "pipe" });
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
    expect(containerOf(manifests).readinessProbe).toMatchObject({ httpGet: { path: "/ready" } });
    const env = environmentOf(manifests);
    expect(env).toMatchObject({
      FLOW2API_SERVER_NODE_URL: "http://10.1.2.3:8000",
      FLOW2API_STORAGE_DATABASE_URL: "postgres://u:p@db/flow2api",
    });
    expect(loadConfig({ file: null, env, flags: {} }).warnings).toEqual([]);
  });

  test("hands every value on, as settings that the program reads and accepts", async () => {
    const { code, err, manifests } = await render({}, ALL);
    expect([code, err]).toEqual([0, ""]);
    const { settings, warnings } = loadConfig({ file: null, env: environmentOf(manifests), flags: {} });
    expect(warnings).toEqual([]);
    expect(settings.server).toMatchObject({ public_url: ALL.publicUrl, trust_proxy: ALL.trustProxy, drain_timeout: 20 });
    expect(settings.storage).toMatchObject({
      database_url: ALL.secrets.databaseUrl,
      database_direct_url: ALL.secrets.databaseDirectUrl,
      media_url: ALL.media.url,
      s3_endpoint: ALL.media.endpoint,
      s3_region: ALL.media.region,
      s3_secret_key: ALL.secrets.s3SecretKey,
      media_redirect: true,
    });
    expect(settings.generation).toMatchObject({ image_timeout: 600 });
    expect(containerOf(manifests)).toMatchObject({
      image: "registry.example/flow2api:0.2.1",
      imagePullPolicy: "Always",
      resources: ALL.resources,
    });
    const { nodeSelector, tolerations, affinity, terminationGracePeriodSeconds } = ALL;
    expect(podOf(manifests).spec).toMatchObject({
      nodeSelector,
      tolerations,
      affinity,
      terminationGracePeriodSeconds,
      imagePullSecrets: ALL.image.pullSecrets,
    });
    const ingress = manifests.find(({ kind }) => kind === "Ingress")!;
    expect(ingress).toMatchObject({
      metadata: { annotations: ALL.ingress.annotations },
      spec: { ingressClassName: "nginx", rules: [{ host: "images.example" }] },
    });
    const nodes = manifests.find(({ kind }) => kind === "StatefulSet")!;
    expect(nodes.spec).toMatchObject({
      replicas: 3,
      volumeClaimTemplates: [{ spec: { storageClassName: "fast", resources: { requests: { storage: "9Gi" } } } }],
    });
  });

  test("spreads its nodes over machines unless it is told otherwise", async () => {
    const { manifests } = await render(GIVEN);
    const { selector } = manifests.find(({ kind }) => kind === "StatefulSet")!.spec;
    expect(podOf(manifests).spec.affinity).toMatchObject({
      podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ podAffinityTerm: { labelSelector: selector } }] },
    });
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
