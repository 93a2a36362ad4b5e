// Every operation of the simulated upstreams by name: what faults are aimed at and what counts are stored by.

export type OperationInfo = {
  description: string;
  /** Starts work that a real upstream charges for. */
  generating: boolean;
  /** Answers when the work is done: the general latency applies. */
  synchronous: boolean;
};

const read = (description: string): OperationInfo => ({ description, generating: false, synchronous: false });
const work = (description: string): OperationInfo => ({ description, generating: true, synchronous: true });
const job = (description: string): OperationInfo => ({ description, generating: true, synchronous: false });

export const OPERATIONS = {
  "gemini.models": read("GET models: the list, also the free check of a key"),
  "gemini.model": read("GET models/{id}"),
  "gemini.generate": work("generateContent and streamGenerateContent"),
  "gemini.count-tokens": read("countTokens"),
  "gemini.interaction": job("POST interactions: video (and images) by the Interactions API"),
  "gemini.interaction-get": read("GET interactions/{id}: the poll"),
  "gemini.interaction-cancel": read("POST interactions/{id}/cancel"),
  "gemini.interaction-delete": read("DELETE interactions/{id}"),
  "gemini.file-start": read("POST upload/…/files: opens a resumable upload"),
  "gemini.file-upload": read("POST to the upload URL: the bytes"),
  "gemini.file-get": read("GET files/{id}"),
  "gemini.file-list": read("GET files"),
  "gemini.file-delete": read("DELETE files/{id}"),
  "gemini.file-download": read("GET files/{id}:download"),
  "flow.session": read("auth/session: the session cookie becomes an access token"),
  "flow.project": read("trpc/project.createProject"),
  "flow.project-delete": read("trpc/project.deleteProject"),
  "flow.redirect": read("trpc/media.getMediaUrlRedirect"),
  "flow.media-delete": read("trpc/media.deleteMedia"),
  "flow.credits": read("credits and plan"),
  "flow.upload": read("flow/uploadImage and :uploadUserImage"),
  "flow.image": work("flowMedia:batchGenerateImages"),
  "flow.upscale": work("flow/upsampleImage"),
  "flow.video": job("video:batchAsyncGenerateVideo…: submits a video in any mode"),
  "flow.video-status": read("video:batchCheckAsyncVideoGenerationStatus"),
  "flow.concat": job(":runVideoFxConcatenation"),
  "flow.concat-status": read(":runVideoFxCheckConcatenationStatus"),
  "flow.media": read("media/{id}: bytes as base64"),
  "flow.download": read("the signed link of a result, on the simulated CDN"),
  "vertex.token": read("POST token: a signed assertion becomes an access token"),
  "vertex.models": read("GET publishers/google/models"),
  "vertex.model": read("GET publishers/google/models/{id}"),
  "vertex.generate": work("generateContent and streamGenerateContent of a project's location"),
  "vertex.count-tokens": read("countTokens of a project's location: the free check of a token"),
  "vertex.interaction": job("POST interactions of a project's location"),
  "vertex.interaction-get": read("GET interactions/{id}: the poll"),
  "vertex.interaction-cancel": read("POST interactions/{id}/cancel"),
  "vertex.interaction-delete": read("DELETE interactions/{id}"),
} as const satisfies Record<string, OperationInfo>;

export type Operation = keyof typeof OPERATIONS;
