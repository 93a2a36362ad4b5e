// What the replays of real clients share: a gateway, requests as a client sends them, and the forms in which results are looked for.
import type { VirtualClock } from "../../src/testing.ts";
import { addKey, until } from "../keys.ts";
import { framesOf, GEMINI, type Rig, startRig } from "../rig.ts";

export const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
export const PIXEL_URL = `data:image/png;base64,${PIXEL}`;
export const pixel = (type = "image/png") => new Blob([Buffer.from(PIXEL, "base64")], { type });

export type Message = { content: string; images?: { type: string; image_url: { url: string } }[]; reasoning_content?: string };
export type Chat = { choices: { message: Message; finish_reason: string }[] };
export type Images = { data: { b64_json?: string; url?: string }[] };
export type Video = { id: string; status: string; url?: string; error: { message: string } | null };
export type Part = { text?: string; thought?: boolean; inlineData?: { mimeType: string; data: string } };
export type Content = { candidates?: { content?: { parts?: Part[] }; finishReason?: string }[] };

/** A rig with quick videos. */
export const startReplay = (): Promise<Rig> => startRig({ tokens: [GEMINI], simulator: { videoMs: 0, fileMs: 0 } });

/** POST of a JSON body with a Bearer key. @throws when the response is none of 200 */
export async function post<T>(rig: Rig, path: string, body: object, headers: Record<string, string> = {}): Promise<T> {
  const response = await rig.call(path, { json: body, headers });
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** POST of a form with a Bearer key. @throws when the response is none of 200 */
export async function postForm<T>(rig: Rig, path: string, entries: readonly (readonly [string, string | Blob, string?])[]): Promise<T> {
  const form = new FormData();
  for (const [name, value, fileName] of entries) {
    if (typeof value === "string") form.append(name, value);
    else form.append(name, value, fileName ?? "blob");
  }
  const response = await rig.call(path, { method: "POST", body: form });
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** A request with Google's credential. */
export async function google<T>(rig: Rig, path: string, body?: object, init: RequestInit = {}): Promise<T> {
  const headers = { "x-goog-api-key": rig.key, "content-type": "application/json" };
  const response = await fetch(`${rig.url}${path}`, { headers, ...(body ? { method: "POST", body: JSON.stringify(body) } : {}), ...init });
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

export type Delta = { role?: string; content?: string; reasoning_content?: string; images?: Message["images"] };

/** The deltas of a streamed chat, in order. @throws when it is no stream or ends without `[DONE]` */
export async function deltasOf(response: Response): Promise<Delta[]> {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) throw new Error(`no stream: ${await response.text()}`);
  const frames = framesOf(await response.text());
  if (frames.at(-1) !== "[DONE]") throw new Error(`no end: ${frames.at(-1)}`);
  return frames.slice(0, -1).flatMap((data) => (JSON.parse(data) as { choices: { delta: Delta }[] }).choices.map(({ delta }) => delta));
}

/** Polls a video as most clients do, until it is completed or failed. */
export const watchVideo = (rig: Rig, id: string): Promise<Video> =>
  until(async () => {
    const video = (await (await rig.call(`/v1/videos/${id}`)).json()) as Video;
    return (video.status === "completed" || video.status === "failed") && video;
  });

export const isImage = (base64 = "") => base64.startsWith("iVBORw0KGgo") || base64.startsWith("/9j/");
export const isMp4 = (bytes: Uint8Array) => Buffer.from(bytes.slice(4, 8)).toString() === "ftyp";
export const inlinePictures = ({ candidates }: Content) =>
  (candidates ?? []).flatMap(({ content }) => content?.parts ?? []).filter(({ inlineData }) => inlineData);
/** Markdown images: the form 1 (https link) and 1b (data URL). */
export const LINK = /!\[[^\]]*\]\((https?:\/\/[^)\s]+\.(?:png|jpg|webp))\)/g;
export const DATA = /!\[[^\]]*\]\((data:image\/[^)\s]+)\)/g;

/** Lets 40 seconds of the clock pass while the one request to a slow gateway waits for its upstream. */
export async function silence(slow: Rig, clock: VirtualClock): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    if (await until(() => slow.simulator.counts().total.inFlight === 1).catch(() => false)) break;
  }
  for (let second = 0; second < 40; second += 5) await clock.advance(5000);
}

export { addKey, until };
