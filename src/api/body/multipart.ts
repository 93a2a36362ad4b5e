// Multipart form reader: text in memory, files streamed to temp files, every byte counted first.
import type { Readable } from "node:stream";
import type { Busboy } from "busboy";
import type { TempFile } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { MediaStore } from "../../gateway/media/contract.ts";
import { boundaryOf, inBlocks, untilClosed } from "./multipart-end.ts";

/** One file of a form as a temp file: `MediaStore.store` stores it, else it is deleted with the form. */
export type FormFile = {
  /** Name as sent: `image`, `image[]`, `mask`. */
  field: string;
  /** Without folders; may be empty. The claimed media type is dropped: it has no effect. */
  name: string;
  draft: TempFile;
};

export type FormContent = { fields: [name: string, value: string][]; files: FormFile[] };

export type FormSink = {
  openTempFile: MediaStore["openTempFile"];
  discard: MediaStore["discard"];
  /** The body, counted. */
  pieces: AsyncIterable<Uint8Array>;
  /** Largest file, in MiB. */
  fileLimitMb: number;
};

const MEBIBYTE = 1024 * 1024;
/** More than any form of this API has; a larger form is refused. */
const MAX_FILES = 32;
const MAX_FIELDS = 200;
/** A boundary has at most 70 characters (RFC 2046, 5.1.1). */
const MAX_TYPE = 500;

export const isMultipart = (request: Request) => FORM_TYPE.test(request.headers.get("content-type") ?? "");
const FORM_TYPE = /^multipart\/form-data\b/i;

/**
 * Reads the whole form; on failure its temp files are deleted.
 * @throws {AppError} `invalid_request` when it is not a form, incomplete or has a file over the limit; what `pieces` and `openTempFile` throw
 */
export async function readForm(request: Request, intake: FormSink): Promise<FormContent> {
  const parser = await openParser(request, intake);
  const fields: FormContent["fields"] = [];
  /** In the order of the form. */
  const files: Promise<FormFile>[] = [];
  const failed = Promise.withResolvers<never>();
  const fail = (error: unknown) => failed.reject(error);
  failed.promise.catch(() => {});
  const tooMany = (what: string, most: number) => () => fail(refuse(`The form has more than ${most} ${what}.`));

  const tooManyFiles = tooMany("files", MAX_FILES);
  const takeFile = (field: string, name: string, stream: FileStream) => {
    const stored = storeFile(stream, field, intake).then((draft) => ({ field, name, draft }));
    stored.catch(fail);
    if (files.push(stored) > MAX_FILES) tooManyFiles();
  };

  const nameless = () => fail(refuse("A part of the form has no name."));
  parser.on("field", (name: string | null | undefined, value, { mimeType }) => {
    if (typeof name !== "string") return nameless();
    // busboy reports a part without a file name as a field; Bun's FormData sends blobs so.
    if (/^(image|video)\//.test(mimeType)) takeFile(name, "", fileOf(Buffer.from(value, "latin1"), intake));
    else fields.push([name, textOf(value)]);
  });
  parser.on("file", (field: string | null | undefined, stream, { filename = "" }) => {
    if (typeof field === "string") return takeFile(field, filename, stream);
    stream.on("error", () => {}).resume();
    nameless();
  });
  parser.on("filesLimit", tooManyFiles);
  parser.on("fieldsLimit", tooMany("fields", MAX_FIELDS));
  parser.on("error", (error) => fail(malformed(error as Error)));
  // Errors arrive through `failed`, as AppError; those of the parser are raw.
  const happens = (event: "close" | "drain") => new Promise<void>((resolve) => void parser.once(event, resolve));
  const closed = happens("close");

  try {
    const boundary = boundaryOf(request.headers.get("content-type") ?? "");
    for await (const chunk of inBlocks(boundary === null ? intake.pieces : untilClosed(intake.pieces, boundary))) {
      const drained = parser.write(chunk) ? null : happens("drain");
      await Promise.race([drained, failed.promise]);
    }
    parser.end();
    await Promise.race([failed.promise, closed]);
    const stored = await Promise.race([failed.promise, Promise.all(files)]);
    // A browser sends an empty file without a name for a field left empty.
    const absent = stored.filter(({ name, draft }) => name === "" && draft.bytes === 0);
    await discardFiles(absent, intake);
    return { fields, files: absent.length === 0 ? stored : stored.filter((file) => !absent.includes(file)) };
  } catch (error) {
    // Ends the open file streams; each deletes its temp file.
    parser.destroy();
    const stored = await Promise.allSettled(files);
    await discardFiles(
      stored.flatMap((file) => (file.status === "fulfilled" ? [file.value] : [])),
      intake,
    );
    throw error;
  }
}

/** Deletes the temp files that were not stored; of stored ones there is nothing left. */
export async function discardFiles(files: readonly FormFile[], store: Pick<FormSink, "discard">): Promise<void> {
  await Promise.all(files.map(({ draft }) => store.discard(draft)));
}

/** Parser and streams are loaded with the first form. */
async function openParser(request: Request, { fileLimitMb }: FormSink): Promise<Busboy> {
  const type = request.headers.get("content-type") ?? "";
  if (type.length > MAX_TYPE) throw refuse("The content type of the form is too long.");
  const { default: busboy } = await import("busboy");
  try {
    return busboy({
      headers: { "content-type": type },
      defParamCharset: "utf8",
      // One character per byte, so that binary fields survive; `textOf` decodes them.
      defCharset: "latin1",
      limits: {
        // Text counts toward the body's own limit.
        fieldSize: Number.POSITIVE_INFINITY,
        fields: MAX_FIELDS,
        files: MAX_FILES,
        // One byte above the limit, so that a file of exactly the limit is not reported as truncated.
        fileSize: fileLimitMb * MEBIBYTE + 1,
      },
    });
  } catch (error) {
    throw refuse(`The body is not a multipart form: ${(error as Error).message}.`);
  }
}

type FileStream = Readable & { truncated?: boolean };

function fileOf(bytes: Buffer, { fileLimitMb }: FormSink): FileStream {
  return Object.assign(process.getBuiltinModule("node:stream").Readable.from([bytes], { objectMode: false }), {
    truncated: bytes.byteLength > fileLimitMb * MEBIBYTE,
  });
}

/** Text of a field whose characters are bytes; a field with its own charset is decoded already and is not valid UTF-8. */
function textOf(value: string): string {
  try {
    return /[^\0-\xff]/.test(value)
      ? value
      : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(value, "latin1"));
  } catch {
    return value;
  }
}

async function storeFile(stream: FileStream, field: string, intake: FormSink): Promise<TempFile> {
  // The stream may fail while the temp file is opened.
  let failure: Error | null = null;
  stream.on("error", (error) => {
    failure = malformed(error);
  });
  const writer = await intake.openTempFile("");
  try {
    if (failure) throw failure;
    for await (const chunk of stream) await writer.write(chunk as Uint8Array);
    if (stream.truncated) throw refuse(`${field}: the file is larger than ${intake.fileLimitMb} MiB.`, field);
  } catch (error) {
    await writer.discard();
    throw failure ?? error;
  }
  return writer.close();
}

const malformed = ({ message }: Error) => refuse(`The body is not a complete multipart form: ${message}.`);

const refuse = (message: string, param?: string) => new AppError("invalid_request", message, { param });
