// What Flow stores: uploads and results by media id, their links and their bytes.

import { type Exchange, jsonReply, type Reply } from "../exchange.ts";
import { generatedFile } from "../gemini/files.ts";
import { googleError, refusalOf } from "../google-errors.ts";
import { type ClipAspect, clipBytes, clipPoster } from "../media/clips.ts";
import { type RenderRequest, renderedImage } from "../media/images.ts";
import { bucketError, checkLink, signedPath } from "../signed-links.ts";
import type { World } from "../world.ts";
import { accountOf, sessionOf, trpcError } from "./accounts.ts";

const BUCKET = "/cdn/ai-sandbox-videofx";

export type FlowVideo = {
  model: string;
  prompt: string;
  seed: number;
  aspect: ClipAspect;
  /** As the wire spells it. */
  flowAspect: string;
  pick: number;
  submittedAt: number;
  /** Epoch ms from which it can be watched; Infinity: never. */
  doneAt: number;
  /** What it ends with instead. */
  failure: { status: string; code: number; message: string } | null;
};

export type FlowMedia = {
  name: string;
  account: string;
  projectId: string;
  /** Hash of uploaded bytes: how a drawing shows that it got them. */
  upload?: { hash: number };
  image?: { request: RenderRequest; model: string; aspect: string };
  video?: FlowVideo;
};

const media = (world: World) => world.shelf<FlowMedia>("flow media");

export function storeMedia(world: World, entry: FlowMedia): FlowMedia {
  media(world).set(entry.name, entry);
  return entry;
}

/** The account's own media item. @throws {Refusal} 404, also for what belongs to someone else */
export function findMedia(world: World, account: string, name: unknown): FlowMedia {
  const entry = typeof name === "string" ? media(world).get(name) : undefined;
  if (!entry || entry.account !== account) throw notFound();
  return entry;
}

/** The account whose media item a signed link leads to, or empty. */
export function ownerOf(world: World, path: string): string {
  return media(world).get(path.split("/").at(-1)!)?.account ?? "";
}

/** A link that works without credentials until it expires. */
export function signedLink(world: World, origin: string, entry: FlowMedia): string {
  return signedPath(world, origin, `${BUCKET}/${entry.image ? "image" : "video"}/${entry.name}`);
}

/** Serves a signed link, of Flow or of the Files API. */
export async function downloadReply({ incoming, world }: Exchange): Promise<Reply> {
  const wrong = checkLink({ incoming, world });
  if (wrong) return wrong;
  const [, , folder, kind, name = ""] = incoming.path.split("/");
  if (folder === "generated") return generatedFile(world, name) ?? bucketError(404, "NoSuchKey");
  const entry = media(world).get(name);
  if (!entry || (entry.video && world.now() < entry.video.doneAt)) return bucketError(404, "NoSuchKey");
  const { type, bytes } = kind === "thumbnail" && entry.video ? posterOf(entry.video) : await mediaBytes(entry);
  const etag = `"${Bun.hash(bytes).toString(16)}"`;
  return { status: 200, headers: { "content-type": type, "cache-control": "private, max-age=0", etag }, body: bytes };
}

function posterOf(video: FlowVideo): { type: string; bytes: Uint8Array<ArrayBuffer> } {
  return { type: "image/jpeg", bytes: clipPoster(video.aspect, video.pick) };
}

/** The file of a result. @throws {Refusal} 404 for uploads, which are not stored */
export async function mediaBytes(entry: FlowMedia): Promise<{ type: string; bytes: Uint8Array<ArrayBuffer>; base64: string }> {
  if (entry.image) return renderedImage(entry.image.request);
  if (!entry.video) throw notFound();
  const bytes = clipBytes(entry.video.aspect, entry.video.pick, entry.name);
  return { type: "video/mp4", bytes, base64: Buffer.from(bytes).toString("base64") };
}

const notFound = () => refusalOf(googleError(404, "Requested entity was not found."));

/** `GET media/{id}`: the bytes as base64. A video that is not done is not found yet. */
export async function mediaResponse(exchange: Exchange, account: string, name: string): Promise<Reply> {
  const entry = findMedia(exchange.world, account, name);
  if (entry.video && !isDone(exchange.world, entry.video)) throw notFound();
  const { base64 } = await mediaBytes(entry);
  if (entry.video) {
    const { seed, prompt, model, flowAspect } = entry.video;
    return jsonReply({ name, video: { encodedVideo: base64, seed, prompt, model, aspectRatio: flowAspect } });
  }
  const { request, model, aspect } = entry.image!;
  return jsonReply({
    name,
    image: { encodedImage: base64, seed: request.seed, prompt: request.prompt, modelNameType: model, aspectRatio: aspect },
  });
}

/** Whether a video can be watched. */
export function isDone(world: Pick<World, "now">, video: FlowVideo): boolean {
  return video.failure === null && world.now() >= video.doneAt;
}

/** `trpc/media.getMediaUrlRedirect`: a redirect to the signed link, of the first frame when a thumbnail is asked for. */
export function redirectReply({ incoming, world }: Exchange): Reply {
  const entry = media(world).get(incoming.query.get("name") ?? "");
  const readable = entry && !entry.upload && !(entry.video && !isDone(world, entry.video));
  if (!readable || entry.account !== accountOf(sessionOf(incoming))) return trpcError(404, "NOT_FOUND", incoming.path);
  const thumbnail = entry.video && incoming.query.get("mediaUrlType") === "MEDIA_URL_TYPE_THUMBNAIL";
  const location = thumbnail
    ? signedPath(world, incoming.origin, `${BUCKET}/thumbnail/${entry.name}`)
    : signedLink(world, incoming.origin, entry);
  return { status: 307, headers: { location }, body: "" };
}

/** `trpc/media.deleteMedia`: forgets media of this account; unknown names are passed over. */
export function deleteMedia(world: World, account: string, names: unknown[]): void {
  for (const name of names) if (typeof name === "string" && media(world).get(name)?.account === account) media(world).delete(name);
}
