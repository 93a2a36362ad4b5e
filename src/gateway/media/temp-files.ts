// Temp files: bytes on their way into the media store; small ones in memory, others on disk.
import { mkdirSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TempFile, TempFileWriter } from "../../domain/generation.ts";
import { diskIsFull } from "../../errors.ts";
import { newId } from "../../ids.ts";

export type TempFiles = {
  open(mime: string): TempFileWriter;
  /** The first `bytes` bytes of a finished temp file. */
  head(file: TempFile, bytes: number): Promise<Uint8Array>;
  /** Moves the bytes to their final path. The temp file is used up. */
  moveTo(file: TempFile, path: string): Promise<void>;
  discard(file: TempFile): Promise<void>;
  /** Deletes files last written before `time` (epoch ms), left over from a crash; resolves with their number. */
  deleteBefore(time: number): Promise<number>;
};

/** What becomes a media item. */
export type Source = TempFile | Uint8Array | Blob;

/** Null for what lies on disk. */
export function bytesAtHand(source: Source): Uint8Array | null {
  if (source instanceof Uint8Array) return source;
  return source instanceof Blob ? null : (source.data ?? null);
}

/** Up to this size a temp file stays in memory. */
const HELD_BYTES = 1024 * 1024;
/** A larger one is written whenever so much has come together: many downloads at once must not hold much. */
const PIECE_BYTES = 256 * 1024;

/** Temp files in `folder`, which is created. */
export function createTempFiles(folder: string): TempFiles {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    open: (mime) => createTempFileWriter(folder, mime),
    head: async ({ data, path }, bytes) => data?.subarray(0, bytes) ?? (await Bun.file(path).slice(0, bytes).bytes()),
    moveTo: (file, path) =>
      diskErrors(async () => {
        if (file.data) throw new Error("The bytes of this temp file are not on disk");
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await rename(file.path, path);
      }),
    discard: async (file) => {
      if (!file.data) await rm(file.path, { force: true });
    },
    async deleteBefore(time) {
      let deleted = 0;
      for (const name of await readdir(folder)) {
        const path = join(folder, name);
        if ((await stat(path)).mtimeMs >= time) continue;
        await rm(path, { force: true });
        deleted++;
      }
      return deleted;
    },
  };
}

function createTempFileWriter(folder: string, mime: string): TempFileWriter {
  let path = "";
  let file: FileHandle | null = null;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let bytes = 0;
  /** Set before the file is there: pieces may come faster than they are written. */
  let isOnDisk = false;
  let writing: Promise<void> = Promise.resolve();

  const flush = async () => {
    const batch = held;
    held = [];
    heldBytes = 0;
    path ||= join(folder, newId());
    file ??= await open(path, "wx", 0o600);
    await writeAll(file, batch);
  };
  const flushInTurn = (): Promise<void> => {
    isOnDisk = true;
    writing = writing.then(() => diskErrors(flush));
    return writing;
  };

  const discard = async () => {
    await writing.catch(() => {});
    await file?.close();
    held = [];
    if (file) await rm(path, { force: true });
  };

  return {
    write(chunk) {
      held.push(chunk);
      heldBytes += chunk.byteLength;
      bytes += chunk.byteLength;
      return heldBytes > (isOnDisk ? PIECE_BYTES : HELD_BYTES) ? flushInTurn() : undefined;
    },
    async close() {
      if (!isOnDisk) return { path, bytes, mime, data: held.length === 1 ? held[0]! : Buffer.concat(held, heldBytes) };
      try {
        await flushInTurn();
      } catch (error) {
        await discard();
        throw error;
      }
      await file?.close();
      return { path, bytes, mime };
    },
    discard,
  };
}

/** One call for all chunks: a call for each keeps their bytes twice. What it leaves over is written after it. */
async function writeAll(file: FileHandle, chunks: Uint8Array[]): Promise<void> {
  let { bytesWritten: written } = await file.writev(chunks);
  for (const chunk of chunks) {
    if (written < chunk.byteLength) await file.appendFile(chunk.subarray(Math.max(0, written)));
    written -= chunk.byteLength;
  }
}

/** Runs `act`; a full disk is reported to the operator, not as a bug. */
export async function diskErrors<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw asDiskError(error);
  }
}

/** A full disk is reported to the operator, not as a bug. */
export function asDiskError(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : "";
  return code === "ENOSPC" || code === "EDQUOT" ? diskIsFull(error) : error;
}
