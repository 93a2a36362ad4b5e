// What Flow keeps: uploads and results by media id, their signed and expiring links, and their bytes.
import { createHmac } from "node:crypto";
import { type Exchange, jsonReply, type Reply } from "./exchange.ts";
import { accountOf, sessionOf, trpcError } from "./flow-accounts.ts";
import { googleError, refusalOf } from "./google-errors.ts";
import { type PictureRequest, picture } from "./pictures.ts";
import type { World } from "./world.ts";

export type FlowMedia = {
  name: string;
  account: string;
  projectId: string;
  /** Hash of uploaded bytes: how a drawing shows that it got them. */
  upload?: { hash: number };
  image?: { request: PictureRequest; model: string; aspect: string };
};

const media = (world: World) => world.shelf<FlowMedia>("flow media");

export function keepMedia(world: World, entry: FlowMedia): FlowMedia {
  media(world).set(entry.name, entry);
  return entry;
}

/** The account's own medium. @throws {Refusal} 404, also for what belongs to someone else */
export function findMedia(world: World, account: string, name: unknown): FlowMedia {
  const entry = typeof name === "string" ? media(world).get(name) : undefined;
  if (!entry || entry.account !== account) throw refusalOf(googleError(404, "Requested entity was not found."));
  return entry;
}

function sign(path: string, expires: number): string {
  return createHmac("sha256", "simulated bucket").update(`${path}\n${expires}`).digest("base64");
}

/** A link that works without credentials until it expires, in the manner of a signed bucket URL. */
export function signedLink(world: World, origin: string, entry: FlowMedia): string {
  const path = `/cdn/ai-sandbox-videofx/${entry.image ? "image" : "video"}/${entry.name}`;
  const expires = Math.floor(Date.now() / 1000) + world.options.linkSeconds;
  const query = new URLSearchParams({
    GoogleAccessId: "labs-ai-sandbox@simulator.example",
    Expires: String(expires),
    Signature: sign(path, expires),
  });
  return `${origin}${path}?${query}`;
}

/** Serves a signed link. Errors are XML, as the bucket's are. */
export async function answerDownload({ incoming, world }: Exchange): Promise<Reply> {
  const expires = Number(incoming.query.get("Expires"));
  if (incoming.query.get("Signature") !== sign(incoming.path, expires)) return bucketError(403, "SignatureDoesNotMatch");
  if (expires * 1000 <= Date.now()) return bucketError(400, "ExpiredToken");
  const entry = media(world).get(incoming.path.split("/").at(-1)!);
  if (!entry) return bucketError(404, "NoSuchKey");
  const { type, bytes } = await mediaBytes(entry);
  return {
    status: 200,
    headers: { "content-type": type, "cache-control": "private, max-age=0", etag: `"${Bun.hash(bytes).toString(16)}"` },
    body: bytes,
  };
}

function bucketError(status: number, code: string): Reply {
  const body = `<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code><Message>Simulated.</Message></Error>`;
  return { status, headers: { "content-type": "application/xml; charset=UTF-8" }, body };
}

async function mediaBytes(entry: FlowMedia): Promise<{ type: string; bytes: Uint8Array<ArrayBuffer>; base64: string }> {
  if (entry.image) return picture(entry.image.request);
  throw refusalOf(googleError(404, "Requested entity was not found."));
}

/** `GET media/{id}`: the bytes as base64. */
export async function answerMedia(exchange: Exchange, account: string, name: string): Promise<Reply> {
  const entry = findMedia(exchange.world, account, name);
  const { base64 } = await mediaBytes(entry);
  const { request, model, aspect } = entry.image!;
  return jsonReply({
    name,
    image: { encodedImage: base64, seed: request.seed, prompt: request.prompt, modelNameType: model, aspectRatio: aspect },
  });
}

/** `trpc/media.getMediaUrlRedirect`: a redirect to the signed link. */
export function answerRedirect({ incoming, world }: Exchange): Reply {
  const entry = media(world).get(incoming.query.get("name") ?? "");
  if (!entry || entry.upload || entry.account !== accountOf(sessionOf(incoming))) return trpcError(404, "NOT_FOUND", incoming.path);
  return { status: 307, headers: { location: signedLink(world, incoming.origin, entry) }, body: "" };
}

/** `trpc/media.deleteMedia`: forgets media of this account; unknown names are passed over. */
export function deleteMedia(world: World, account: string, names: unknown[]): void {
  for (const name of names) if (typeof name === "string" && media(world).get(name)?.account === account) media(world).delete(name);
}
