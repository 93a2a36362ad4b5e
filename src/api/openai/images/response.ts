// Body of ImagesResponse, for requests and jobs: images converted, then linked or inline.
import type { Media, Usage } from "../../../domain/generation.ts";
import { formatOf, isConverted, type RenderedImage, renderMade } from "../../image-output.ts";
import { asText, bodyBase64 } from "../../json-bytes.ts";
import { type MadeImage, mediaUrl } from "../../links.ts";
import type { Api, Call } from "../call.ts";
import type { ImageEcho } from "./decode.ts";
import { encodeImages, type ImageDatum } from "./encode.ts";

type Made = { made: readonly MadeImage[]; usage: Usage | null };

/** `ImagesResponse` of at least one image, at once where no image has to be read or converted. Base64 is made by `json-bytes.ts`. */
export function imagesBody(api: Api, call: Call, { made, usage }: Made, echo: ImageEcho): ImagesBody | Promise<ImagesBody> {
  const shown: Shown[] = [];
  for (const one of made) {
    const image = showNow(call, one, echo);
    if (image === null) return bodyLater(api, call, { made, usage }, echo);
    shown.push(image);
  }
  return bodyOf(api, shown, usage, echo);
}

type ImagesBody = ReturnType<typeof encodeImages>;
/** An image with what stands for it in `data`. */
type Shown = { media: Media; format: string; datum: ImageDatum };

/** Null: it has to be read or converted. */
function showNow({ calledOrigin }: Call, { media, base64 }: MadeImage, { output, form }: ImageEcho): Shown | null {
  if (isConverted(media, output)) return null;
  if (form !== "b64_json") return { media, format: formatOf(media), datum: { url: mediaUrl(calledOrigin, media) } };
  return base64 === undefined ? null : { media, format: formatOf(media), datum: { b64_json: bodyBase64(base64) } };
}

async function bodyLater(api: Api, call: Call, { made, usage }: Made, echo: ImageEcho): Promise<ImagesBody> {
  const shown = await Promise.all(made.map((one) => showNow(call, one, echo) ?? showLater(api, call, one, echo)));
  return bodyOf(api, shown, usage, echo);
}

async function showLater(api: Api, { calledOrigin, key, requestId }: Call, made: MadeImage, { output, form }: ImageEcho): Promise<Shown> {
  const { media, blob, format, converted } = await renderMade(api.media, api.log, made, output);
  if (form === "b64_json") return { media, format, datum: { b64_json: blob } };
  const facts = { origin: "result" as const, keyId: key.id, requestId };
  const linked = converted && blob instanceof Blob ? await api.media.storeBytes(blob, facts) : media;
  return { media, format, datum: { url: mediaUrl(calledOrigin, linked) } };
}

function bodyOf({ clock }: Api, shown: readonly Shown[], usage: Usage | null, { quality }: ImageEcho): ImagesBody {
  return encodeImages({ created: Math.floor(clock.now() / 1000), shown, quality, usage });
}

/** Whole, for frames that are written in one piece. */
export const base64Of = async ({ blob }: Pick<RenderedImage, "blob">): Promise<string> =>
  blob instanceof Blob ? (await blob.bytes()).toBase64() : asText(blob.text);
