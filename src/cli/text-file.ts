// Text files of people: any encoding that a byte order mark names, else UTF-8.
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { AppError } from "../errors.ts";
import { textOfBytes } from "../gateway/tokens/text-of-bytes.ts";

const MAX_BYTES = 64 * 1024 * 1024;

/** The text of a file, without byte order mark. @throws {AppError} `invalid_request` naming the file */
export async function readTextFile(name: string, cwd: string): Promise<string> {
  const bytes = await readBytes(name, resolve(cwd, name));
  try {
    return textOfBytes(bytes);
  } catch (error) {
    throw new AppError("invalid_request", `${name}: expected UTF-8 text, got other bytes.`, { cause: error });
  }
}

async function readBytes(name: string, path: string): Promise<Uint8Array> {
  try {
    if ((await stat(path)).size > MAX_BYTES) throw new AppError("invalid_request", `${name}: expected at most 64 MiB.`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const what = code === "ENOENT" ? "got no such file" : code === "EISDIR" ? "got a folder" : `cannot be read (${code})`;
    throw new AppError("invalid_request", `${name}: expected a file, ${what}.`, { cause: error });
  }
}
