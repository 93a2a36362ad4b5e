// Test stand-in for the gateway's side of a call: temp files in memory, and what a sink was given. Tests only.
import type { ImageFinish, ImageRequest, TempFile, TempFileWriter } from "../domain/generation.ts";
import { builtInCatalogue } from "../gateway/models/catalogue/build.ts";
import type { CallContext, ImageSink, Provider, ProviderModels, ProviderToken } from "./provider.ts";

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

/** What a call for an image did, in order; how it ended comes last. */
export type ProviderEvent =
  | { type: "progress"; stage: "uploading"; index: number; total: number }
  | { type: "progress"; stage: "generating" | "upscaling" | "downloading" }
  | { type: "submitted" }
  | { type: "text"; text: string; thought: boolean; signature?: string }
  | { type: "image"; draft: TempFile; thought: boolean; signature?: string }
  | ({ type: "finish" } & ImageFinish);

type Call = [request: ImageRequest, token: ProviderToken, call: CallContext];

/** Runs a call for an image to its end. @param hear sees each event as it happens; what it throws ends the call */
export async function collect(
  provider: Pick<Provider, "generateImages">,
  [request, token, call]: Call,
  hear: (event: ProviderEvent) => void = () => {},
): Promise<{ events: ProviderEvent[]; error: unknown }> {
  const events: ProviderEvent[] = [];
  const add = (event: ProviderEvent) => {
    events.push(event);
    hear(event);
  };
  const mark = (signature?: string) => (signature === undefined ? {} : { signature });
  const sink: ImageSink = {
    onUpload: (index, total) => add({ type: "progress", stage: "uploading", index, total }),
    onStage: (stage) => add({ type: "progress", stage }),
    onSubmit: () => add({ type: "submitted" }),
    onText: (text, thought, signature) => add({ type: "text", text, thought, ...mark(signature) }),
    onImage: (draft, thought, signature) => add({ type: "image", draft, thought, ...mark(signature) }),
  };
  try {
    add({ type: "finish", ...(await provider.generateImages(request, token, call, sink)) });
    return { events, error: undefined };
  } catch (error) {
    return { events, error };
  }
}

/** A provider's call that does what the events say. @throws {Error} when they end without a finish */
export async function play(events: AsyncIterable<ProviderEvent>, sink: ImageSink): Promise<ImageFinish> {
  for await (const event of events) {
    if (event.type === "submitted") await sink.onSubmit();
    else if (event.type === "text") sink.onText(event.text, event.thought, event.signature);
    else if (event.type === "image") await sink.onImage(event.draft, event.thought, event.signature);
    else if (event.type === "finish") {
      const { type: _, ...finish } = event;
      return finish;
    } else if (event.stage === "uploading") sink.onUpload(event.index, event.total);
    else sink.onStage(event.stage);
  }
  throw new Error("The call ended without an end");
}

/** The families that this program knows by itself, as an adapter of this provider sees them. */
export const builtInModels = (provider: string): ProviderModels => builtInCatalogue().ofProvider(provider);
