// Finished pictures as the body of an images answer: converted, linked or inside, for requests and jobs alike.
import type { Media, Usage } from "../../../domain/generation.ts";
import { type Picture, renderPicture } from "../../image-output.ts";
import { mediaUrl } from "../../links.ts";
import type { Api, Call } from "../call.ts";
import type { ImageEcho } from "./decode.ts";
import { encodeImages, type ImageDatum } from "./encode.ts";

/** `ImagesResponse` of at least one picture; base64 is not made yet: see json-bytes.ts. */
export async function imagesBody(api: Api, call: Call, made: Media[], echo: ImageEcho, usage: Usage | null) {
  const pictures = await Promise.all(made.map((media) => renderPicture(api.media, api.log, media, echo.output)));
  const data = await Promise.all(pictures.map((picture) => datumOf(api, call, picture, echo.form)));
  return encodeImages(Math.floor(api.clock.now() / 1000), pictures, data, echo.quality, usage);
}

async function datumOf(api: Api, { calledOrigin, key, requestId }: Call, picture: Picture, form: ImageEcho["form"]): Promise<ImageDatum> {
  if (form === "b64_json") return { b64_json: picture.blob };
  const facts = { origin: "result" as const, keyId: key.id, requestId };
  return { url: mediaUrl(calledOrigin, picture.converted ? await api.media.keepBytes(picture.blob, facts) : picture.media) };
}

/** Whole: a frame cannot be written in pieces, a heartbeat might come between. */
export const base64Of = async ({ blob }: Pick<Picture, "blob">): Promise<string> => (await blob.bytes()).toBase64();
