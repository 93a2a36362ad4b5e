// Rows of the request log for its tests, on any engine.
import type { AttemptRow, RequestRow } from "../../domain/request.ts";
import { newId } from "../../ids.ts";

export const NOW = Date.UTC(2026, 10, 23, 12);

export const newAttempt = (change: Partial<AttemptRow> = {}): AttemptRow => ({
  tokenId: 1,
  provider: "gemini",
  family: "gemini-2.5-flash-image",
  startedAt: NOW,
  ms: 900,
  outcome: "ok",
  reason: null,
  upstreamStatus: 200,
  ...change,
});

export const newRow = (change: Partial<RequestRow> = {}): RequestRow => ({
  id: newId(),
  at: NOW,
  ms: 1000,
  dialect: "openai",
  route: "/v1/chat/completions",
  keyId: 1,
  model: "gemini-2.5-flash-image",
  family: "gemini-2.5-flash-image",
  kind: "image",
  outcome: "ok",
  message: null,
  images: 1,
  videoSeconds: 0,
  inputTokens: 10,
  outputTokens: 1290,
  usd: 0.039,
  stream: false,
  mediaIds: [newId()],
  attempts: [newAttempt()],
  ...change,
});
