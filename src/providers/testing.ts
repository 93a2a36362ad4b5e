// Test stand-in for the gateway's side of a call: temp files in memory, with what happened to each. Tests only.
import type { TempFileWriter } from "../domain/generation.ts";
import type { CallContext } from "./provider.ts";

export type MemoryTempFile = { bytes: Buffer; state: "open" | "closed" | "discarded"; largest: number };

export type MemoryTempFiles = {
  files: MemoryTempFile[];
  openTempFile(mime: string): Promise<TempFileWriter>;
  states(): MemoryTempFile["state"][];
};

/** Temp files whose `path` is their index in `files`. Ending one twice is an error. */
export function memoryTempFiles(): MemoryTempFiles {
  const files: MemoryTempFile[] = [];
  const openTempFile = async (mime: string): Promise<TempFileWriter> => {
    const file: MemoryTempFile = { bytes: Buffer.alloc(0), state: "open", largest: 0 };
    const path = String(files.push(file) - 1);
    const end = (state: MemoryTempFile["state"]) => {
      if (file.state !== "open") throw new Error(`temp file ${path} is ${file.state} already`);
      file.state = state;
    };
    return {
      write(chunk) {
        file.bytes = Buffer.concat([file.bytes, chunk]);
        file.largest = Math.max(file.largest, chunk.byteLength);
      },
      async close() {
        end("closed");
        return { path, bytes: file.bytes.byteLength, mime };
      },
      async discard() {
        end("discarded");
      },
    };
  };
  return { files, openTempFile, states: () => files.map((file) => file.state) };
}

/** A call with temp files in memory; what is remembered is in `remembered`. */
export function memoryCall() {
  const drafts = memoryTempFiles();
  const abort = new AbortController();
  const remembered: unknown[] = [];
  const call: CallContext = {
    signal: abort.signal,
    openTempFile: drafts.openTempFile,
    async remember(change) {
      remembered.push(change);
    },
  };
  return { call, drafts, abort, remembered };
}
