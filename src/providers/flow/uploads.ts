// Reference images on their way to Flow: each once per project while its media id is known.
import type { InputMedia } from "../../domain/generation.ts";
import { damaged } from "../json-stream.ts";
import type { CallContext, ImageSink, ProviderToken } from "../provider.ts";
import { parseUpload, sessionIdAt, uploadBody } from "./convert.ts";
import type { Sessions } from "./session.ts";
import type { FlowOptions, Transport } from "./transport.ts";

export type Uploads = {
  /**
   * Uploads what the project does not have yet, reporting each upload; returns Flow's media ids in order.
   * @throws {AppError} `content_policy` when Flow refuses an image, else as `Sessions.use` and `Transport.ask`
   */
  place(
    images: readonly InputMedia[],
    to: { projectId: string; token: ProviderToken; call: CallContext },
    onUpload?: ImageSink["onUpload"],
  ): Promise<string[]>;
  /** Drops what is known of these media ids: Flow did not accept a request that names them. */
  forget(names: readonly string[]): void;
};

const UPLOAD_LIMIT_MS = 120_000;
/** Remembered uploads of all tokens; the least lately used go first. */
const MAX_KNOWN = 5000;

/** Extension by type, for `fileName`; anything else goes without. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  "image/png": ".png",
  "image/jpeg": ".jpg",
  "image/webp": ".webp",
  "image/gif": ".gif",
};

/** Uploads by token, project and our media id. In memory only: after a restart an image is uploaded again. */
export function createUploads(transport: Transport, sessions: Sessions, options: Pick<FlowOptions, "now">): Uploads {
  const known = new Map<string, string>();

  const remember = (key: string, name: string) => {
    known.delete(key);
    known.set(key, name);
    const oldest = known.size > MAX_KNOWN ? known.keys().next().value : undefined;
    if (oldest !== undefined) known.delete(oldest);
  };

  const upload = async (
    { mime, data }: InputMedia,
    target: { fileName: string; projectId: string },
    token: ProviderToken,
    call: CallContext,
  ) => {
    const body = await uploadBody({ sessionId: sessionIdAt(options.now()), ...target, mime, data });
    const response = await sessions.use(token, call, ({ accessToken }) =>
      transport.ask({
        operation: "upload",
        path: "flow/uploadImage",
        auth: { accessToken },
        body,
        proxy: token.proxy,
        signal: call.signal,
        limitMs: UPLOAD_LIMIT_MS,
      }),
    );
    const name = parseUpload(response.body);
    if (!name) throw damaged("malformed", "Flow's answer names no uploaded image.");
    return name;
  };

  return {
    async place(images, { projectId, token, call }, onUpload) {
      const names: string[] = [];
      for (const [index, renderedImage] of images.entries()) {
        const key = renderedImage.mediaId && `${token.id} ${projectId} ${renderedImage.mediaId}`;
        let name = key && known.get(key);
        if (!name) {
          onUpload?.(index + 1, images.length);
          const fileName = `reference-${index + 1}${EXTENSIONS[renderedImage.mime] ?? ""}`;
          name = await upload(renderedImage, { fileName, projectId }, token, call);
        }
        if (key) remember(key, name);
        names.push(name);
      }
      return names;
    },
    forget(names) {
      for (const [key, name] of known) if (names.includes(name)) known.delete(key);
    },
  };
}
