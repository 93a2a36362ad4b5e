// The operator's models file on disk: read at the start, and again when it has changed.

import { readFileSync, statSync } from "node:fs";
import { AppError } from "../../../errors.ts";
import type { ModelsFile } from "./layers.ts";

export class WatchedModelsFile {
  #stamp: string | null = null;

  /** @param path absolute. @param source as messages name it */
  constructor(
    readonly path: string,
    readonly source: string,
  ) {}

  /** The file as it is now. Null: there is none. @throws {AppError} when it cannot be read as text */
  read(): ModelsFile | null {
    this.#stamp = this.#stampNow();
    return this.#stamp === "" ? null : { source: this.source, text: this.#text() };
  }

  /** The file if it has changed since it was read; undefined: it has not. @throws as {@link read} */
  readChange(): ModelsFile | null | undefined {
    return this.#stampNow() === this.#stamp ? undefined : this.read();
  }

  /** Empty: there is no file. */
  #stampNow(): string {
    const stat = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    return stat ? `${stat.ino} ${stat.size} ${stat.mtimeNs}` : "";
  }

  #text(): string {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(this.path));
    } catch (error) {
      if (error instanceof TypeError) throw new AppError("invalid_request", `${this.source}: expected UTF-8 text, got other bytes`);
      const { code } = error as NodeJS.ErrnoException;
      throw new AppError(
        "invalid_request",
        `${this.source}: expected a models file, got ${code === "EISDIR" ? "a folder" : `an error (${code})`}`,
      );
    }
  }
}
