// Table of alert channels: webhook, Slack, Discord, Telegram, Feishu, DingTalk, WeCom, ntfy, Bark, and the dead-man ping.
// Wire forms as the vendors document them, read 2026-11-29.
import { withoutEndSlashes } from "../../../http.ts";
import { signedHeaders } from "../../jobs/webhooks.ts";
import type { AlertMessage, Channel, ChannelField } from "./channel.ts";
import { bodyOf, byNumber, byStatus } from "./reply.ts";

const JSON_TYPE = { "content-type": "application/json; charset=utf-8", "user-agent": "flow2api" };

const field = (name: ChannelField["name"], rest: Partial<ChannelField> = {}): ChannelField => ({
  ...{ name, secret: false, required: true, form: "text" as const, ...rest },
});
/** An address that lets whoever has it send: a secret like any other. */
const SECRET_URL = field("url", { secret: true, form: "url" });
const OPTIONAL_SECRET = field("secret", { secret: true, required: false });

const post = (url: string, body: unknown, headers: Record<string, string> = {}) => ({
  ...{ method: "POST" as const, url, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) },
});

/** Title, lines and link as plain text. */
const textOf = ({ title, lines, url }: AlertMessage): string => [title, ...lines, ...(url ? [url] : [])].join("\n");
const bodyText = ({ lines, url }: AlertMessage): string => [...lines, ...(url ? [url] : [])].join("\n");

/** At most so many bytes of UTF-8, whole characters. */
export function clipToBytes(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  let end = most - 3;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  return `${bytes.subarray(0, end).toString("utf8")}…`;
}

const clipToChars = (text: string, most: number): string =>
  text.length <= most ? text : `${[...text.slice(0, most - 2)].slice(0, -1).join("")}…`;

/** Signs `timestamp\nsecret`: as the key over nothing (Feishu), or as the text under the secret (DingTalk). */
const hmac = (key: string, text: string): string => new Bun.CryptoHasher("sha256", key).update(text).digest("base64");

export const CHANNELS = {
  webhook: {
    fields: [SECRET_URL, OPTIONAL_SECRET],
    perMinute: 120,
    call(message, { url = "", secret = "" }, { id, now }) {
      const { at, urgent, isOver, ...rest } = message;
      const payload = JSON.stringify({
        id,
        type: "alert",
        at: new Date(at).toISOString(),
        urgent,
        over: isOver,
        ...rest,
        text: textOf(message),
      });
      const signed = secret === "" ? { ...JSON_TYPE, "webhook-id": id } : { ...JSON_TYPE, ...signedHeaders({ id, payload }, secret, now) };
      return { method: "POST", url, headers: signed, body: payload };
    },
    verdict: byStatus,
  },
  slack: {
    fields: [SECRET_URL],
    perMinute: 60,
    // Slack reads <…> as links and mentions.
    call: (message, { url = "" }) =>
      post(url, { text: clipToChars(textOf(message).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"), 35_000) }),
    verdict: byStatus,
  },
  discord: {
    fields: [SECRET_URL],
    perMinute: 30,
    call: (message, { url = "" }) => post(url, { content: clipToChars(textOf(message), 2000), allowed_mentions: { parse: [] } }),
    verdict: byStatus,
  },
  telegram: {
    fields: [
      field("token", { secret: true }),
      field("chat"),
      field("thread", { required: false, form: "whole" }),
      field("url", { required: false, form: "url", fallback: "https://api.telegram.org" }),
    ],
    perMinute: 20,
    call: (message, { url = "", token = "", chat = "", thread = "" }) =>
      post(`${withoutEndSlashes(url)}/bot${token}/sendMessage`, {
        ...{ chat_id: chat, text: clipToChars(textOf(message), 4096), link_preview_options: { is_disabled: true } },
        ...(thread === "" ? {} : { message_thread_id: Number(thread) }),
      }),
    verdict: (reply) => (reply.status === 200 && bodyOf(reply)?.ok === false ? byStatus({ ...reply, status: 400 }) : byStatus(reply)),
  },
  feishu: {
    fields: [SECRET_URL, OPTIONAL_SECRET],
    perMinute: 60,
    call(message, { url = "", secret = "" }, { now }) {
      const timestamp = String(Math.floor(now / 1000));
      const signed = secret === "" ? {} : { timestamp, sign: hmac(`${timestamp}\n${secret}`, "") };
      // <at …> in a text calls everyone.
      return post(url, { ...signed, msg_type: "text", content: { text: clipToBytes(textOf(message).replaceAll("<", "＜"), 18_000) } });
    },
    // 9499 and 11232: too many messages.
    verdict: (reply) => byNumber(reply, "code", [9499, 11232]),
  },
  dingtalk: {
    fields: [SECRET_URL, OPTIONAL_SECRET],
    // The 21st message in a minute silences the robot for ten.
    perMinute: 15,
    call(message, { url = "", secret = "" }, { now }) {
      const timestamp = String(now);
      const sign = encodeURIComponent(hmac(secret, `${timestamp}\n${secret}`));
      const signed = secret === "" ? url : `${url}${url.includes("?") ? "&" : "?"}timestamp=${timestamp}&sign=${sign}`;
      return post(signed, { msgtype: "text", text: { content: clipToBytes(textOf(message), 18_000) } });
    },
    verdict: (reply) => byNumber(reply, "errcode", [130101, 90018, -1]),
  },
  wecom: {
    fields: [SECRET_URL],
    perMinute: 15,
    call: (message, { url = "" }) => post(url, { msgtype: "text", text: { content: clipToBytes(textOf(message), 2048) } }),
    verdict: (reply) => byNumber(reply, "errcode", [45009, -1]),
  },
  ntfy: {
    fields: [
      field("url", { required: false, form: "url", fallback: "https://ntfy.sh" }),
      // Whoever knows the name of a topic can read and write it.
      field("topic", { secret: true }),
      field("token", { secret: true, required: false }),
    ],
    perMinute: 10,
    call: (message, { url = "", topic = "", token = "" }) =>
      post(
        `${withoutEndSlashes(url)}/`,
        {
          ...{ topic, title: message.title, message: clipToBytes(message.lines.join("\n") || message.title, 4000) },
          ...{ priority: message.urgent ? 5 : message.isOver ? 2 : 4, tags: [message.isOver ? "white_check_mark" : "warning"] },
          ...(message.url ? { click: message.url } : {}),
        },
        token === "" ? {} : { authorization: `Bearer ${token}` },
      ),
    verdict: byStatus,
  },
  bark: {
    fields: [field("url", { required: false, form: "url", fallback: "https://api.day.app" }), field("device", { secret: true })],
    perMinute: 30,
    call: (message, { url = "", device = "" }) =>
      post(`${withoutEndSlashes(url)}/push`, {
        ...{ device_key: device, title: message.title, body: clipToBytes(bodyText(message) || message.title, 3000), group: "flow2api" },
        ...(message.url ? { url: message.url } : {}),
        ...(message.urgent ? { level: "timeSensitive" } : {}),
      }),
    verdict(reply) {
      const code = bodyOf(reply)?.code;
      return reply.status === 200 && typeof code === "number" && code !== 200 ? byStatus({ ...reply, status: code }) : byStatus(reply);
    },
  },
  ping: {
    fields: [SECRET_URL, field("minutes", { required: false, form: "whole", fallback: "5" })],
    perMinute: 60,
    call: (_, { url = "" }) => ({ method: "GET", url, headers: { "user-agent": "flow2api" } }),
    verdict: byStatus,
  },
} as const satisfies Record<string, Channel>;

export type ChannelKind = keyof typeof CHANNELS;
export const CHANNEL_KINDS = Object.keys(CHANNELS) as ChannelKind[];
export const isChannelKind = (value: unknown): value is ChannelKind => typeof value === "string" && Object.hasOwn(CHANNELS, value);

/** The entry of a kind, as what all of them are. */
export const channelOf = (kind: ChannelKind): Channel => CHANNELS[kind];
