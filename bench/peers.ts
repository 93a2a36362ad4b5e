// Peers of the bench, where they can be had: nginx as a plain proxy, and Portkey's gateway under Bun.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstAnswer, freePort, GOOGLE_BODY, googleImage, JSON_TYPE, MODELS, pinned, stop, type Target } from "./targets.ts";

/** Null where nginx is not installed. */
export async function startNginx(cores: string, upstream: string): Promise<Target | null> {
  if (!Bun.which("nginx")) return null;
  const folder = mkdtempSync(join(tmpdir(), "flow2api-nginx-"));
  const port = await freePort();
  const paths = ["proxy", "client_body", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  const config = `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log; events { worker_connections 1024; }
http { access_log off; client_max_body_size 100m; ${paths}
  upstream mock { server ${new URL(upstream).host}; keepalive 128; }
  map $http_x_weight $model { default ${MODELS.small}; large ${MODELS.large}; huge ${MODELS.huge}; }
  server { listen 127.0.0.1:${port}; location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; rewrite ^ /v1beta/models/$model:generateContent break; proxy_pass http://mock; } } }`;
  await Bun.write(join(folder, "nginx.conf"), config);
  const startedAt = performance.now();
  const server = Bun.spawn(pinned(cores, ["nginx", "-e", `${folder}/error.log`, "-c", join(folder, "nginx.conf")]), {
    stdout: "ignore",
    stderr: "ignore",
  });
  const origin = `http://127.0.0.1:${port}`;
  return {
    name: "nginx",
    pid: server.pid,
    origin,
    shape: (weight) => ({
      name: "proxied",
      path: "/",
      body: GOOGLE_BODY,
      headers: { ...JSON_TYPE, "x-weight": weight },
      imageIn: googleImage,
    }),
    startMs: await firstAnswer(origin, startedAt),
    async stop() {
      server.kill("SIGTERM");
      await server.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Null unless `bench/` has its own packages installed (`bun install --cwd bench`). */
export async function startPortkey(cores: string, upstream: string): Promise<Target | null> {
  const entry = join(import.meta.dir, "node_modules", "@portkey-ai", "gateway", "build", "start-server.js");
  if (!(await Bun.file(entry).exists())) return null;
  const port = await freePort();
  const startedAt = performance.now();
  const server = Bun.spawn(pinned(cores, ["bun", entry, `--port=${port}`, "--headless"]), {
    env: { ...process.env, NODE_ENV: "production" },
    stdout: "ignore",
    stderr: "ignore",
  });
  const origin = `http://127.0.0.1:${port}`;
  const messages = [{ role: "user", content: "a fox in the snow" }];
  return {
    name: "Portkey (under Bun)",
    pid: server.pid,
    origin,
    shape: (weight) => ({
      name: "chat",
      path: "/v1/chat/completions",
      body: JSON.stringify({ model: MODELS[weight], messages }),
      headers: {
        ...JSON_TYPE,
        "x-portkey-provider": "google",
        "x-portkey-custom-host": `${upstream}/v1beta`,
        // Without it the image is dropped from the response.
        "x-portkey-strict-open-ai-compliance": "false",
        authorization: "Bearer bench-token-one",
      },
      imageIn: portkeyImage,
    }),
    startMs: await firstAnswer(origin, startedAt),
    stop: () => stop(server),
  };
}

type PortkeyAnswer = { choices?: { message?: { content_blocks?: { image_url?: { url?: string } }[] } }[] };

async function portkeyImage(response: Response): Promise<Uint8Array | null> {
  const { choices } = (await response.json()) as PortkeyAnswer;
  const url = choices?.[0]?.message?.content_blocks?.find(({ image_url }) => image_url?.url)?.image_url?.url;
  return url ? Uint8Array.fromBase64(url.slice(url.indexOf(",") + 1)) : null;
}
