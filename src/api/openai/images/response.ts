// Body of ImagesResponse, for requests and jobs: images converted, then linked or inline.
import type { Media, Usage } from "../../../domain/generation.ts";
import { formatOf, isConverted, type RenderedImage, renderMade } from "../../image-output.ts";
import { asText, type BodyBytes } from "../../json-bytes.ts";
import { type MadeImage, mediaUrl } from "../../links.ts";
import type { Api, Call } from "../call.ts";
import type { ImageEcho } from "./decode.ts";
import { encodeImages, type ImageDatum } from "./encode.ts";

type Made = { made: readonly MadeImage[]; usage: Usage | null };

/** `ImagesResponse` of at least one image; base64 is made by `json-bytes.ts`. Stored images that are linked are not read. */
export async function imagesBody(api: Api, call: Call, { made, usage }: Made, { output, form, quality }: ImageEcho) {
  const isLinked = ({ media }: MadeImage) => form !== "b64_json" && !isConverted(media, output);
  const images = await Promise.all(
    made.map((one) => (isLinked(one) ? describedAs(one.media) : renderMade(api.media, api.log, one, output))),
  );
  const data = await Promise.all(images.map((image) => datumOf(api, call, image, form)));
  return encodeImages({ created: Math.floor(api.clock.now() / 1000), images, data, quality, usage });
}

const describedAs = (media: Media): ShownImage => ({ media, format: formatOf(media), converted: false });

type ShownImage = Omit<RenderedImage, "blob"> & { blob?: BodyBytes };

async function datumOf(
  api: Api,
  { calledOrigin, key, requestId }: Call,
  { media, blob, converted }: ShownImage,
  form: ImageEcho["form"],
): Promise<ImageDatum> {
  if (form === "b64_json") return { b64_json: blob! };
  const facts = { origin: "result" as const, keyId: key.id, requestId };
  return { url: mediaUrl(calledOrigin, converted && blob instanceof Blob ? await api.media.storeBytes(blob, facts) : media) };
}

/** Whole, for frames that are written in one piece. */
export const base64Of = async ({ blob }: Pick<RenderedImage, "blob">): Promise<string> =>
  blob instanceof Blob ? (await blob.bytes()).toBase64() : asText(blob.text);
