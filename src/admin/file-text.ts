// Text of the files that a form carries, in any encoding that a byte order mark names, else UTF-8.

import { textOfBytes } from "../gateway/tokens/text-of-bytes.ts";
import type { AdminContext } from "./context.ts";

/** Text of the files of a form that has some. */
export async function fileText(ctx: AdminContext, request: Request): Promise<string> {
  if (!(request.headers.get("content-type") ?? "").startsWith("multipart/form-data")) return "";
  const { files } = await ctx.forms.files(request);
  const texts = await Promise.all(
    files.map(async ({ draft }) => (draft.data || draft.bytes > 0 ? lenientText(draft.data ?? (await Bun.file(draft.path).bytes())) : "")),
  );
  return texts.join("\n");
}

/** A stray byte in a name costs that name, not the file. */
function lenientText(bytes: Uint8Array): string {
  try {
    return textOfBytes(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}
