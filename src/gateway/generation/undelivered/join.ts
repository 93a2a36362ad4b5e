// Joins a request to the undelivered outcome of an identical one: the call under way, its stored result, or its failure.

import { type GenerateEvent, NO_USAGE } from "../../../domain/generation.ts";
import type { ImageGeneration, Run } from "../contract.ts";
import type { GenerationRecord } from "../request-record.ts";
import { Delivery, joinedHeader } from "./delivery.ts";
import { hashGeneration } from "./hash-generation.ts";
import { type OutputReader, replayOutput } from "./replay-output.ts";
import { type Entry, repeatedFailure, type Undelivered } from "./undelivered.ts";

type Dependencies = { undelivered: Undelivered } & OutputReader;

/**
 * Null: there is nothing to join. The entry goes when its outcome was delivered whole, and is on offer again when its reader leaves.
 * @throws {AppError} the outcome of a request that may have been charged and has nothing to give
 */
export async function joinUndelivered(deps: Dependencies, request: ImageGeneration, record: GenerationRecord): Promise<Run | null> {
  const { undelivered } = deps;
  const entry = await undelivered.claim(request.key.id, () => hashGeneration(request), request.insist ?? false);
  if (!entry) return null;
  const { outcome } = entry;
  if (outcome.type === "failure") throw repeatedFailure(outcome.failure, entry.requestId);
  if (outcome.type === "running") return joinRun(deps, request, record, entry);
  if (outcome.type === "result") return joinResult(deps, request, record, { entry, result: outcome.result });
  throw new Error("A job is on offer for a generation");
}

function joinRun({ undelivered }: Dependencies, request: ImageGeneration, record: GenerationRecord, entry: Entry): Run {
  const run = entry.run!;
  run.attend(true);
  const delivery = new Delivery(request.signal, {
    left() {
      undelivered.release(entry);
      run.attend(false);
    },
    delivered: () => undelivered.remove(entry),
  });
  const { family, successorOf } = run.facts;
  record.serve(family);
  const events = recorded(run.read(request.signal, delivery), record, delivery);
  return { family, successorOf, headers: joinedHeader(entry.requestId), events, delivered: () => delivery.delivered() };
}

/** Null when the result was deleted in the meantime. */
async function joinResult(
  deps: Dependencies,
  request: ImageGeneration,
  record: GenerationRecord,
  { entry, result }: { entry: Entry; result: Extract<Entry["outcome"], { type: "result" }>["result"] },
): Promise<Run | null> {
  const { undelivered, media } = deps;
  const found = await Promise.all(result.mediaIds.map((id) => media.get(id)));
  if (found.length > 0 && found.every((one) => one === null)) {
    undelivered.remove(entry);
    return null;
  }
  const delivery = new Delivery(request.signal, {
    left: () => undelivered.release(entry),
    delivered: () => undelivered.remove(entry),
  });
  const { family, successorOf } = result;
  record.serve(family);
  const events = recorded(replayOutput(deps, result), record, delivery);
  return { family, successorOf, headers: joinedHeader(entry.requestId), events, delivered: () => delivery.delivered() };
}

/** The events, written down when they end: a row that cost nothing. An end without an image is delivered with its words. */
async function* recorded(
  events: AsyncIterable<GenerateEvent>,
  record: GenerationRecord,
  delivery: Delivery,
): AsyncGenerator<GenerateEvent> {
  let hasImage = false;
  try {
    for await (const event of events) {
      hasImage ||= event.type === "image";
      if (event.type === "done") record.finish({ ...event, usage: NO_USAGE });
      if (event.type === "done" && !hasImage) delivery.delivered();
      yield event;
    }
  } catch (error) {
    record.fail(error);
    throw error;
  } finally {
    record.close(null);
  }
}
