// Body of ImagesResponse, for requests and jobs: images converted, then linked or inline.
import type { Media, Usage } from "../../../domain/generation.ts";
import { type RenderedImage, renderImage } from "../../image-output.ts";
import { mediaUrl } from "../../links.ts";
import type { Api, Call } from "../call.ts";
import type { ImageEcho } from "./decode.ts";
import { encodeImages, type ImageDatum } from "./encode.ts";

/** `ImagesResponse` of at least one image; base64 is made by `json-bytes.ts`. */
export async function imagesBody(api: Api, call: Call, { made, usage }: { made: Media[]; usage: Usage | null }, echo: ImageEcho) {
  const images = await Promise.all(made.map((media) => renderImage(api.media, api.log, media, echo.output)));
  const data = await Promise.all(images.map((image) => datumOf(api, call, image, echo.form)));
  return encodeImages({ created: Math.floor(api.clock.now() / 1000), images, data, quality: echo.quality, usage });
}

async function datumOf(
  api: Api,
  { calledOrigin, key, requestId }: Call,
  image: RenderedImage,
  form: ImageEcho["form"],
): Promise<ImageDatum> {
  if (form === "b64_json") return { b64_json: image.blob };
  const facts = { origin: "result" as const, keyId: key.id, requestId };
  return { url: mediaUrl(calledOrigin, image.converted ? await api.media.storeBytes(image.blob, facts) : image.media) };
}

/** Whole, for frames that are written in one piece. */
export const base64Of = async ({ blob }: Pick<RenderedImage, "blob">): Promise<string> => (await blob.bytes()).toBase64();
