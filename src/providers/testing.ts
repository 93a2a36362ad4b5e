// Test stand-in for the gateway's side of a call: drafts kept in memory, with what happened to each. Tests only.
import type { DraftWriter } from "../domain/generation.ts";
import type { CallContext } from "./provider.ts";

export type MemoryDraft = { bytes: Buffer; state: "open" | "closed" | "discarded"; largest: number };

export type MemoryDrafts = {
  files: MemoryDraft[];
  openDraft(mime: string): Promise<DraftWriter>;
  states(): MemoryDraft["state"][];
};

/** Drafts whose `path` is their index in `files`. Ending one twice is an error. */
export function memoryDrafts(): MemoryDrafts {
  const files: MemoryDraft[] = [];
  const openDraft = async (mime: string): Promise<DraftWriter> => {
    const file: MemoryDraft = { bytes: Buffer.alloc(0), state: "open", largest: 0 };
    const path = String(files.push(file) - 1);
    const end = (state: MemoryDraft["state"]) => {
      if (file.state !== "open") throw new Error(`draft ${path} is ${file.state} already`);
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
  return { files, openDraft, states: () => files.map((file) => file.state) };
}

/** A call with drafts in memory; what is remembered is kept in `remembered`. */
export function memoryCall() {
  const drafts = memoryDrafts();
  const abort = new AbortController();
  const remembered: unknown[] = [];
  const call: CallContext = {
    signal: abort.signal,
    openDraft: drafts.openDraft,
    async remember(change) {
      remembered.push(change);
    },
  };
  return { call, drafts, abort, remembered };
}
