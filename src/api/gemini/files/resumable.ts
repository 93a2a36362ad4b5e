// Resumable uploads in progress: started by a key, continued by the upload's address, for one hour.
import type { Clock } from "../../../clock.ts";
import type { FileName } from "../../../db/media.ts";
import type { Media, TempFileWriter } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import type { MediaStore } from "../../../gateway/media/contract.ts";
import { newId } from "../../../ids.ts";

export type NewUpload = {
  keyId: number;
  requestId: string;
  /** As the client calls the file. */
  name: string;
  /** What the client asks for as the file's id; null: any. */
  fileName: string | null;
  /** Size that the client announced, in bytes. */
  declaredBytes: number | null;
  /** Scheme and host for links, as the request that began it knew them. */
  origin: string;
};

export type Upload = Readonly<NewUpload> & {
  /** Unguessable: it is the credential of all that follows. */
  readonly id: string;
  /** Bytes that have arrived. */
  received: number;
};

export type Uploads = {
  /** @throws {AppError} `payload_too_large`, `busy` (the key has too many open) */
  begin(facts: NewUpload): Upload;
  /** Bytes that the uploads of a key may still come to, one more of this size among them. What announced no size may be as large as any. */
  expectedBytes(facts: Pick<NewUpload, "keyId" | "declaredBytes">): number;
  /** Null when it is unknown, finished or past its hour. */
  find(id: string): Upload | null;
  /**
   * Takes the next piece; what arrived stays when the connection breaks. With `isLast` the file is made and the upload is over.
   * @throws {AppError} `conflict` (another piece is arriving), `payload_too_large`, `invalid_request` (incomplete, or no image and no video)
   */
  receive(upload: Upload, body: AsyncIterable<Uint8Array>, isLast: boolean): Promise<Media | null>;
  /** Forgets it and what arrived. */
  drop(upload: Upload): Promise<void>;
};

const LIFE_MS = 3_600_000;
const MAX_OPEN = 32;
const MEBIBYTE = 1024 * 1024;

type Open = Upload & { writer: TempFileWriter | null; isBusy: boolean; stopTimer(): void };

type Deps = {
  media: Pick<MediaStore, "openTempFile" | "store" | "remove">;
  /** False: the key has a file of this name. */
  nameFile(file: FileName): Promise<boolean>;
  clock: Clock;
  limitMb: () => number;
};

export const nameTaken = (name: string) =>
  new AppError("conflict", `The File ${name} already exists.`, { param: "file.name", reason: "file_exists" });

/** In memory: a restart ends open uploads, and clients start them again. */
export function createUploads({ media, nameFile, clock, limitMb }: Deps): Uploads {
  const uploads = new Map<string, Open>();
  const tooLarge = () => new AppError("payload_too_large", `The file is larger than ${limitMb()} MiB.`);

  const openOf = (id: number) => [...uploads.values()].filter(({ keyId }) => keyId === id);
  const forget = (upload: Open): boolean => {
    upload.stopTimer();
    return uploads.delete(upload.id);
  };
  const drop = async (upload: Open): Promise<void> => {
    forget(upload);
    // A piece that is arriving discards it itself.
    if (!upload.isBusy) await upload.writer?.discard();
  };

  async function write(upload: Open, body: AsyncIterable<Uint8Array>): Promise<TempFileWriter> {
    upload.writer ??= await media.openTempFile("");
    for await (const chunk of body) {
      if (upload.received + chunk.byteLength > limitMb() * MEBIBYTE) {
        forget(upload);
        throw tooLarge();
      }
      if (!uploads.has(upload.id)) throw new AppError("not_found", "The upload was cancelled or is past its time.");
      await upload.writer.write(chunk);
      upload.received += chunk.byteLength;
    }
    return upload.writer;
  }

  async function finish(upload: Open, writer: TempFileWriter): Promise<Media> {
    const { declaredBytes, received, keyId, requestId, name, fileName } = upload;
    if (declaredBytes !== null && declaredBytes !== received) {
      throw new AppError("invalid_request", `The upload is not complete: ${received} of ${declaredBytes} bytes have arrived.`);
    }
    forget(upload);
    upload.writer = null;
    const accept = { kinds: ["image" as const, "video" as const], param: "file" };
    const stored = await media.store(await writer.close(), { origin: "input", keyId, requestId, name, accept });
    if (fileName === null || (await nameFile({ keyId, name: fileName, mediaId: stored.id }))) return stored;
    await media.remove(stored.id);
    throw nameTaken(fileName);
  }

  return {
    begin(facts) {
      if ((facts.declaredBytes ?? 0) > limitMb() * MEBIBYTE) throw tooLarge();
      const open = openOf(facts.keyId).length;
      if (open >= MAX_OPEN)
        throw new AppError("busy", `This key has ${open} uploads open: finish or cancel one.`, { retryAfterMs: 10_000 });
      const stopTimer = clock.after(LIFE_MS, () => void drop(upload).catch(() => {}));
      const upload: Open = { ...facts, id: newId(), received: 0, writer: null, isBusy: false, stopTimer };
      uploads.set(upload.id, upload);
      return upload;
    },
    expectedBytes: (facts) =>
      [facts, ...openOf(facts.keyId)].reduce((sum, { declaredBytes }) => sum + (declaredBytes ?? limitMb() * MEBIBYTE), 0),
    find: (id) => uploads.get(id) ?? null,
    async receive({ id }, body, isLast) {
      const upload = uploads.get(id)!;
      if (upload.isBusy) throw new AppError("conflict", "Another piece of this upload is arriving.");
      upload.isBusy = true;
      try {
        const writer = await write(upload, body);
        return isLast ? await finish(upload, writer) : null;
      } finally {
        upload.isBusy = false;
        if (!uploads.has(id)) await upload.writer?.discard();
      }
    },
    async drop({ id }) {
      const upload = uploads.get(id);
      if (upload) await drop(upload);
    },
  };
}
