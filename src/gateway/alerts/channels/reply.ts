// Channel replies: the far side's own words, whether it took the message, and when to try again. Pure.
import { isRecord } from "../../../domain/is-record.ts";
import type { ChannelReply, Verdict } from "./channel.ts";

const SAID_CHARS = 300;

/** After secrets were masked: at a cut no part of one is left. */
export const clip = (text: string): string => (text.length > SAID_CHARS ? `${text.slice(0, SAID_CHARS)}…` : text);

/** JSON of a body that is an object; null: it is something else. */
export function bodyOf({ text }: Pick<ChannelReply, "text">): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

/** The words of an error, by the fields in which the far sides of our channels write them. Whole: they may hold secrets. */
export function saidBy(reply: Pick<ChannelReply, "status" | "text">): string {
  const body = bodyOf(reply);
  const number = body?.code ?? body?.errcode ?? body?.error_code ?? "";
  const words = [body?.msg, body?.errmsg, body?.description, body?.message, body?.error].find(
    (one) => typeof one === "string" && one !== "",
  );
  if (words !== undefined) return `${typeof number === "number" && number !== reply.status ? `${number} ` : ""}${words}`;
  const plain = reply.text
    .replace(/<[^<>]{0,200}>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return plain === "" ? `status ${reply.status}` : plain;
}

/** 429 and what a server says of itself may end; any other refusal would come again. */
export const mayEnd = (status: number): boolean => status === 408 || status === 425 || status === 429 || status >= 500;

/** The time that a far side asks to wait, ms; undefined: it names none. */
export function waitOf({ headers, text }: Pick<ChannelReply, "headers" | "text">): number | undefined {
  const body = bodyOf({ text });
  const parameters = isRecord(body?.parameters) ? body.parameters : null;
  const named = [parameters?.retry_after, body?.retry_after].find((one) => typeof one === "number");
  const seconds = typeof named === "number" ? named : Number(headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, 3_600_000) : undefined;
}

/** By the HTTP status alone. */
export function byStatus(reply: ChannelReply): Verdict {
  if (reply.status >= 200 && reply.status < 300) return { ok: true };
  return { ok: false, said: `${reply.status}: ${saidBy(reply)}`, retry: mayEnd(reply.status), afterMs: waitOf(reply) };
}

/**
 * By a number in the body of a 200: 0 is success. A body without one is of something between us and the far side.
 * @param passing numbers of refusals that end by themselves, e.g. of too many messages in a minute
 */
export function byNumber(reply: ChannelReply, field: "code" | "errcode", passing: readonly number[]): Verdict {
  if (reply.status < 200 || reply.status >= 300) return byStatus(reply);
  const number = bodyOf(reply)?.[field];
  if (number === 0) return { ok: true };
  const retry = typeof number !== "number" || passing.includes(number);
  return { ok: false, said: saidBy(reply), retry, afterMs: retry ? 60_000 : undefined };
}
