// Tar archives (ustar), streamed: a backup may be larger than memory.
import { type FileHandle, open } from "node:fs/promises";
import { AppError } from "../errors.ts";

const BLOCK = 512;
const PIECE = 1024 * 1024;
/** Largest number that the eleven octal digits of a size hold. */
const MAX_OCTAL = 8 ** 11 - 1;
const MODE = 0o600;

/** What was written or read of one file. `sha256` in hexadecimal. */
export type Written = { bytes: number; sha256: string };

export type TarWriter = {
  addBytes(name: string, bytes: Uint8Array): Promise<Written>;
  /** As many bytes as the file has when it is opened. */
  addFile(name: string, path: string): Promise<Written>;
  /** Ends the archive and waits for the disk. */
  close(): Promise<void>;
};

/** One regular file of an archive. */
export type TarEntry = {
  name: string;
  bytes: number;
  /** Writes the content to a new private file. */
  copyTo(path: string): Promise<Written>;
  /** The content at once. @throws {AppError} `invalid_request` when it has more than `limit` bytes */
  read(limit: number): Promise<Uint8Array>;
};

const damaged = (what: string) => new AppError("invalid_request", `The archive is damaged: ${what}.`);

/** @param file is made new, readable by its owner only. @param now epoch ms, written as the time of every file */
export async function createTar(file: string, now: number): Promise<TarWriter> {
  const out = await open(file, "wx", MODE);
  const write = async (bytes: Uint8Array) => {
    for (let done = 0; done < bytes.length; ) done += (await out.write(bytes, done)).bytesWritten;
  };
  const pad = (size: number) => write(new Uint8Array(-size & (BLOCK - 1)));
  return {
    async addBytes(name, bytes) {
      await write(header(name, bytes.length, now));
      await write(bytes);
      await pad(bytes.length);
      return { bytes: bytes.length, sha256: new Bun.CryptoHasher("sha256").update(bytes).digest("hex") };
    },
    async addFile(name, path) {
      const source = await open(path, "r");
      try {
        const { size } = await source.stat();
        await write(header(name, size, now));
        const written = await copy(source, 0, size, write);
        await pad(size);
        return written;
      } finally {
        await source.close();
      }
    },
    async close() {
      try {
        await write(new Uint8Array(2 * BLOCK));
        await out.sync();
      } finally {
        await out.close();
      }
    },
  };
}

/**
 * The regular files of an archive in order; directories are passed over. An entry is read before the next one is asked for, or never.
 * @throws {AppError} `invalid_request` when the file is no tar archive, is cut off, or holds something else (links, devices)
 */
export async function* readTar(file: string): AsyncGenerator<TarEntry> {
  const source = await open(file, "r");
  try {
    for (let at = 0; ; ) {
      const head = await readExactly(source, at, BLOCK);
      if (head.every((byte) => byte === 0)) return;
      const { name, size, type } = parseHeader(head);
      at += BLOCK;
      const start = at;
      at += size + (-size & (BLOCK - 1));
      if (type === "5") continue;
      if (type !== "0") throw damaged("it holds something that is no file");
      yield {
        name,
        bytes: size,
        copyTo: (path) => copyOut(source, start, size, path),
        async read(limit) {
          if (size > limit) throw damaged(`${JSON.stringify(name)} is too large`);
          return readExactly(source, start, size);
        },
      };
    }
  } finally {
    await source.close();
  }
}

async function copyOut(source: FileHandle, start: number, size: number, path: string): Promise<Written> {
  const out = await open(path, "wx", MODE);
  try {
    const written = await copy(source, start, size, async (bytes) => {
      for (let done = 0; done < bytes.length; ) done += (await out.write(bytes, done)).bytesWritten;
    });
    await out.sync();
    return written;
  } finally {
    await out.close();
  }
}

async function copy(source: FileHandle, start: number, size: number, write: (bytes: Uint8Array) => Promise<void>): Promise<Written> {
  const hash = new Bun.CryptoHasher("sha256");
  for (let done = 0; done < size; ) {
    const piece = await readExactly(source, start + done, Math.min(PIECE, size - done));
    hash.update(piece);
    await write(piece);
    done += piece.length;
  }
  return { bytes: size, sha256: hash.digest("hex") };
}

async function readExactly(source: FileHandle, start: number, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  for (let done = 0; done < size; ) {
    const { bytesRead } = await source.read(bytes, done, size - done, start + done);
    if (bytesRead === 0) throw damaged("it ends too early");
    done += bytesRead;
  }
  return bytes;
}

// Offsets and lengths: POSIX.1-1988 ustar; sizes beyond octal as GNU tar writes them.
const SIZE_AT = 124;
const SUM_AT = 148;

function header(name: string, size: number, now: number): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(name) > 100) throw new Error("The name is too long for the archive.");
  block.write(name);
  const octal = (value: number, at: number, length: number) => block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at);
  octal(MODE, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  if (size <= MAX_OCTAL) octal(size, SIZE_AT, 12);
  else {
    block[SIZE_AT] = 0x80;
    block.writeBigUInt64BE(BigInt(size), SIZE_AT + 4);
  }
  octal(Math.floor(now / 1000), 136, 12);
  block.write("0", 156);
  block.write("ustar\x0000", 257);
  block.write(`${checksum(block).toString(8).padStart(6, "0")}\0 `, SUM_AT);
  return block;
}

/** Sum of all bytes, those of the checksum itself as blanks. */
function checksum(block: Uint8Array): number {
  return block.reduce((sum, byte, index) => sum + (index >= SUM_AT && index < SUM_AT + 8 ? 32 : byte), 0);
}

function parseHeader(head: Uint8Array): { name: string; size: number; type: string } {
  const block = Buffer.from(head);
  const text = (at: number, length: number) => block.toString("utf8", at, at + length).replace(/\0.*$/s, "");
  if (Number.parseInt(text(SUM_AT, 8).trim(), 8) !== checksum(head)) throw damaged("it is no tar archive, or cut or changed");
  const isLarge = (block[SIZE_AT]! & 0x80) !== 0;
  const size = isLarge ? Number(block.readBigUInt64BE(SIZE_AT + 4)) : Number.parseInt(text(SIZE_AT, 12).trim() || "0", 8);
  if (!Number.isSafeInteger(size) || size < 0) throw damaged("a size is unreadable");
  const name = text(0, 100).replace(/^\.\//, "");
  return { name, size, type: text(156, 1) || "0" };
}
