// Stand-ins of the far sides of alert channels: one server that checks bodies and signatures as the vendors document them.
// Shares no code with the table of channels.
import { createHmac } from "node:crypto";

export type Received = {
  path: string;
  kind: string;
  method: string;
  headers: Record<string, string>;
  raw: string;
  body: unknown;
  problem: string | null;
  /** Epoch ms by the clock handed in. */
  at: number;
};

/** What the next calls are answered with instead: a fixed reply, or a closed connection. */
export type Fault = { status: number; text: string; headers?: Record<string, string> } | "hang";

export const SECRETS = {
  webhook: `whsec_${Buffer.from("canary-webhook-secret-24b").toString("base64")}`,
  feishu: "canary-feishu-secret",
  dingtalk: "SECcanary-dingtalk-secret",
  telegram: "123456:canary-telegram-token",
  ntfyTopic: "canary-ntfy-topic",
  ntfyToken: "tk_canaryntfytoken",
  bark: "canary-bark-device",
  /** Last part of the path of a webhook address. */
  path: "canary-path-secret",
};

export type StandIns = AsyncDisposable & {
  url: string;
  port: number;
  received: Received[];
  /** Configuration of a channel of each kind. */
  config(kind: string): Record<string, string>;
  /** Faults by kind, each used once. */
  faults: Map<string, Fault[]>;
  /** Calls that are never answered, until whoever made them gives up. */
  hanging: ReadonlySet<Request>;
};

const json = (value: unknown, status = 200) => Response.json(value, { status });
const keysOf = (value: unknown) =>
  Object.keys((value ?? {}) as object)
    .sort()
    .join(",");
const hmac = (key: string, text: string) => createHmac("sha256", key).update(text).digest("base64");
const near = (ms: number, now: number) => Math.abs(ms - now) < 3_600_000;

/** @param now the clock that timestamps are held against, epoch ms */
export function startStandIns(now: () => number = Date.now): StandIns {
  const received: Received[] = [];
  const faults = new Map<string, Fault[]>();
  const hanging = new Set<Request>();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const url = new URL(request.url);
      const kind = url.pathname.startsWith("/bot") ? "telegram" : url.pathname.split("/")[1]!;
      const raw = await request.text();
      const body = raw === "" ? null : JSON.parse(raw);
      const call = {
        path: url.pathname + url.search,
        kind,
        method: request.method,
        headers: Object.fromEntries(request.headers),
        raw,
        body,
      };
      const fault = faults.get(kind)?.shift();
      const reply = CHECKS[kind]?.({ ...call, url, now: now() }) ?? json({ problem: "unknown path" }, 404);
      const problem = reply.ok && (await isWell(reply.clone())) ? null : await reply.clone().text();
      received.push({ ...call, problem: fault ? "fault" : problem, at: now() });
      if (fault === "hang") {
        hanging.add(request);
        request.signal.addEventListener("abort", () => hanging.delete(request));
        return new Promise<Response>(() => {});
      }
      return fault ? new Response(fault.text, { status: fault.status, headers: fault.headers }) : reply;
    },
  });
  const base = `http://127.0.0.1:${server.port}`;
  const configs: Record<string, Record<string, string>> = {
    webhook: { url: `${base}/webhook/${SECRETS.path}`, secret: SECRETS.webhook },
    slack: { url: `${base}/slack/services/T0/B0/${SECRETS.path}` },
    discord: { url: `${base}/discord/1/${SECRETS.path}` },
    telegram: { url: base, token: SECRETS.telegram, chat: "-1001", thread: "7" },
    feishu: { url: `${base}/feishu/hook/${SECRETS.path}`, secret: SECRETS.feishu },
    dingtalk: { url: `${base}/dingtalk/robot/send?access_token=${SECRETS.path}`, secret: SECRETS.dingtalk },
    wecom: { url: `${base}/wecom/send?key=${SECRETS.path}` },
    ntfy: { url: `${base}/ntfy`, topic: SECRETS.ntfyTopic, token: SECRETS.ntfyToken },
    bark: { url: `${base}/bark`, device: SECRETS.bark },
    ping: { url: `${base}/ping/${SECRETS.path}`, minutes: "1" },
  };
  return {
    url: base,
    port: server.port!,
    received,
    faults,
    hanging,
    config: (kind) => configs[kind]!,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** Three of them answer 200 whatever happens. */
async function isWell(reply: Response): Promise<boolean> {
  const body = (await reply.json().catch(() => ({}))) as { code?: number; errcode?: number };
  return (body.code ?? 0) % 200 === 0 && (body.errcode ?? 0) === 0;
}

type Call = { url: URL; method: string; headers: Record<string, string>; raw: string; body: Body; now: number };

/** What the stand-ins look at, of whichever kind. */
type Body = Partial<
  Record<"id" | "chat_id" | "msg_type" | "msgtype" | "sign" | "topic" | "title" | "message" | "device_key" | "group" | "body", string>
> & {
  text: string & { content: string };
  content: string & { text: string };
  timestamp?: string;
  allowed_mentions?: unknown;
  message_thread_id?: number;
  priority: number;
};

const isJson = ({ method, headers }: Call) => method === "POST" && (headers["content-type"] ?? "").startsWith("application/json");

const CHECKS: Record<string, (call: Call) => Response> = {
  webhook({ headers, raw, body, now }) {
    const { "webhook-id": id, "webhook-timestamp": at = "0", "webhook-signature": signature } = headers;
    const key = Buffer.from(SECRETS.webhook.slice("whsec_".length), "base64");
    const expected = `v1,${createHmac("sha256", key).update(`${id}.${at}.${raw}`).digest("base64")}`;
    if (signature !== expected || !near(Number(at) * 1000, now) || body.id !== id) return json({ error: "bad signature" }, 401);
    return new Response(null, { status: 204 });
  },
  slack(call) {
    if (!isJson(call) || keysOf(call.body) !== "text" || /<[!@]/.test(call.body.text))
      return new Response("invalid_payload", { status: 400 });
    return new Response("ok");
  },
  discord(call) {
    const { body } = call;
    if (!isJson(call) || typeof body.content !== "string" || body.content.length > 2000)
      return json({ code: 50035, message: "Invalid Form Body" }, 400);
    if (JSON.stringify(body.allowed_mentions) !== '{"parse":[]}') return json({ code: 50035, message: "mentions" }, 400);
    return new Response(null, { status: 204 });
  },
  telegram({ url, body }) {
    if (url.pathname !== `/bot${SECRETS.telegram}/sendMessage`) return json({ ok: false, error_code: 404, description: "Not Found" }, 404);
    if (body.chat_id !== "-1001" || body.message_thread_id !== 7)
      return json({ ok: false, error_code: 400, description: "Bad Request: chat not found" }, 400);
    if (body.text.length > 4096 || "parse_mode" in body)
      return json({ ok: false, error_code: 400, description: "Bad Request: message is too long" }, 400);
    return json({ ok: true, result: { message_id: 1 } });
  },
  feishu({ body, raw, now }) {
    const expected = hmac(`${body.timestamp}\n${SECRETS.feishu}`, "");
    if (body.sign !== expected || !near(Number(body.timestamp) * 1000, now))
      return json({ code: 19021, msg: "sign match fail or timestamp is not within one hour from current time" });
    if (body.msg_type !== "text" || typeof body.content?.text !== "string" || Buffer.byteLength(raw) > 20_000)
      return json({ code: 9499, msg: "Bad Request" });
    return json({ code: 0, msg: "success", data: {} });
  },
  dingtalk({ url, body, now }) {
    const at = url.searchParams.get("timestamp") ?? "";
    if (url.searchParams.get("sign") !== hmac(SECRETS.dingtalk, `${at}\n${SECRETS.dingtalk}`) || !near(Number(at), now))
      return json({ errcode: 310000, errmsg: "sign not match" });
    if (body.msgtype !== "text" || typeof body.text?.content !== "string") return json({ errcode: 40035, errmsg: "invalid parameter" });
    return json({ errcode: 0, errmsg: "ok" });
  },
  wecom({ url, body }) {
    if (url.searchParams.get("key") !== SECRETS.path) return json({ errcode: 93000, errmsg: "invalid webhook url" });
    if (body.msgtype !== "text" || Buffer.byteLength(body.text.content) > 2048)
      return json({ errcode: 40058, errmsg: "content exceed max length" });
    return json({ errcode: 0, errmsg: "ok" });
  },
  ntfy({ url, headers, body }) {
    if (headers.authorization !== `Bearer ${SECRETS.ntfyToken}`) return json({ code: 40301, http: 403, error: "forbidden" }, 403);
    if (url.pathname !== "/ntfy/" || body.topic !== SECRETS.ntfyTopic || !body.title || !body.message || body.priority > 5)
      return json({ code: 40024, http: 400, error: "invalid request" }, 400);
    return json({ id: "x", event: "message" });
  },
  bark({ url, body }) {
    if (url.pathname !== "/bark/push" || body.device_key !== SECRETS.bark)
      return json({ code: 400, message: `failed to get device token: failed to get [${body.device_key}] device token from database` }, 400);
    if (!body.title || !body.body || body.group !== "flow2api") return json({ code: 400, message: "body is required" }, 400);
    return json({ code: 200, message: "success", timestamp: 1 });
  },
  ping: ({ method, raw }) => (method === "GET" && raw === "" ? new Response("OK") : new Response("method", { status: 405 })),
};
