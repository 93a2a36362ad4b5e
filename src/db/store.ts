// What the program asks of persistence: one method per business act, each atomic, all async.
// A second engine is a second folder beside sqlite/; one contract suite runs against both.
import type { Json } from "../domain/generation.ts";
import type { AdminStore } from "./admin.ts";
import type { JobStore } from "./jobs.ts";
import type { LedgerStore } from "./ledger.ts";
import type { MediaRows } from "./media.ts";
import type { ResponseStore } from "./responses.ts";
import type { UndeliveredStore } from "./undelivered.ts";

/** A token as the pool needs it. Secrets are asked for separately, only when a call is made. Times are epoch ms. */
export type TokenRow = {
  id: number;
  provider: string;
  label: string;
  /** Tokens of one group share one upstream quota; null: a group of its own. */
  group: string | null;
  enabled: boolean;
  imageEnabled: boolean;
  videoEnabled: boolean;
  /** Calls at once; -1 unlimited. */
  imageConcurrency: number;
  videoConcurrency: number;
  weight: number;
  priority: number;
  /** Families that are the only ones allowed; empty: all. */
  allowFamilies: string[];
  denyFamilies: string[];
  proxy: string | null;
  note: string;
  tags: string[];
  /** Learned by checks; null: not learned yet. */
  identity: string | null;
  tier: 0 | 1 | 2 | null;
  credits: number | null;
  families: string[] | null;
  checkedAt: number | null;
  renewBefore: number | null;
  /** Last four characters of the secret, for people to tell tokens apart. */
  hint: string;
  createdAt: number;
  /** Persisted health of the token and of its models; opaque JSON of `gateway/health.ts`. */
  health: unknown;
  /** Own caps, opaque JSON of `gateway/quota.ts`; null: none. */
  caps: unknown;
};

export type NewToken = Pick<TokenRow, "provider" | "label"> & {
  secret: string;
  /** What its adapter is to remember from the start. */
  state?: Record<string, unknown>;
  /** What `TokenRow.health` is from the start; null or absent: healthy. */
  health?: unknown;
} & Partial<
    Pick<
      TokenRow,
      | "group"
      | "enabled"
      | "imageEnabled"
      | "videoEnabled"
      | "imageConcurrency"
      | "videoConcurrency"
      | "weight"
      | "priority"
      | "allowFamilies"
      | "denyFamilies"
      | "proxy"
      | "note"
      | "tags"
      | "identity"
      | "caps"
    >
  >;

export type TokenChange = Partial<Omit<TokenRow, "id" | "provider" | "createdAt" | "hint">>;

/** What held a token or a group back, from `at` on. Times are epoch ms. */
export type PauseRow = {
  /** `token 12`, or `group gemini alpha` for a quota that its tokens share. */
  subject: string;
  /** Whose call met it. */
  tokenId: number;
  at: number;
  /** Null: all models. */
  family: string | null;
  /** As `gateway/health.ts` names it. */
  reason: string;
  /** When it ends by itself; null: only the operator ends it. */
  until: number | null;
};

export type HealthChange = { id: number; health: unknown; pauses?: readonly PauseRow[] };

/** The secret side of a token, decrypted. */
export type TokenSecret = { secret: string; state: Record<string, unknown> };

/** Limits and permissions of a key. Null means no limit. */
export type KeyLimits = {
  rpm: number | null;
  concurrency: number | null;
  /** Uploaded in a UTC day, in MiB. */
  uploadMbDay: number | null;
  images: { day: number | null; month: number | null; total: number | null };
  videoSeconds: { day: number | null; month: number | null; total: number | null };
  usd: { day: number | null; month: number | null; total: number | null };
};

const NO_LIMIT = { day: null, month: null, total: null };
export const NO_LIMITS: KeyLimits = {
  rpm: null,
  concurrency: null,
  uploadMbDay: null,
  images: NO_LIMIT,
  videoSeconds: NO_LIMIT,
  usd: NO_LIMIT,
};

export type ImageForm = "markdown_url" | "markdown_data" | "images";
/** `link` is Markdown, `html_block` plays in Open WebUI, `html_fence` is HTML in a code fence. */
export type VideoForm = "link" | "html_block" | "html_fence";

/** A key that we issue. The key itself is shown once and never stored. */
/** Answered here, refused, or generated like any other. */
export type SideCallMode = "answer" | "refuse" | "generate";

export type KeyRow = {
  id: number;
  name: string;
  /** First characters, shown to tell keys apart. */
  prefix: string;
  enabled: boolean;
  createdAt: number;
  expiresAt: number | null;
  revokedAt: number | null;
  /** Model ids or families allowed; empty: all. */
  models: string[];
  /** Kinds allowed; empty: all. */
  kinds: ("image" | "video")[];
  /** CIDRs allowed; empty: all. */
  addresses: string[];
  limits: KeyLimits;
  /** Form of images in chat; null: the setting's. */
  imageForm: ImageForm | null;
  /** Form of videos in chat; null: the setting's. */
  videoForm: VideoForm | null;
  /** What becomes of clients' side calls (titles, tags, health checks); null: the setting's. */
  sideCalls: SideCallMode | null;
  /** Chat and responses make no image and no video for it. */
  imagesRoutesOnly: boolean;
};

export type NewKey = Pick<KeyRow, "name"> & { hash: Uint8Array; prefix: string } & Partial<
    Pick<
      KeyRow,
      "enabled" | "expiresAt" | "models" | "kinds" | "addresses" | "limits" | "imageForm" | "videoForm" | "sideCalls" | "imagesRoutesOnly"
    >
  >;

export type KeyChange = Partial<Omit<KeyRow, "id" | "createdAt" | "prefix">>;

/** One upstream call made for a request. */
export type AttemptRow = {
  tokenId: number;
  provider: string;
  family: string;
  startedAt: number;
  ms: number;
  /** `ok` or an ErrorKind. */
  outcome: string;
  reason: string | null;
  upstreamStatus: number | null;
};

/** What was asked for, where the operator has that recorded (`requests.record_payloads`). */
export type RequestPayload = {
  /** The latest text of the client, cut to 2,000 characters. */
  prompt: string;
  /** As decoded from the dialect; never pictures, URLs or secrets. */
  parameters: Record<string, Json>;
};

/** One inbound generation request, as the log keeps it. Never a secret or a client's URL, and a prompt only in its payload. */
export type RequestRow = {
  id: string;
  at: number;
  ms: number;
  dialect: string;
  route: string;
  keyId: number | null;
  /** As the client wrote it, cut to 200 characters. */
  model: string;
  family: string | null;
  kind: "image" | "video" | null;
  /** `ok` or an ErrorKind. */
  outcome: string;
  message: string | null;
  images: number;
  videoSeconds: number;
  inputTokens: number;
  outputTokens: number;
  usd: number;
  stream: boolean;
  mediaIds: string[];
  attempts: AttemptRow[];
  /** Told of a single row only. */
  payload?: RequestPayload;
};

/** A page of the request log: rows that match everything given, newest first. */
export type RequestFilter = {
  /** Id of the last row of the page before; absent: the newest page. A row that is gone by now: an empty page. */
  before?: string;
  /** Only rows newer than this one, by its id. */
  after?: string;
  limit: number;
  keyId?: number;
  /** At least one attempt was made with this token. */
  tokenId?: number;
  /** As the client wrote it. */
  model?: string;
  outcome?: string;
  /** Any outcome but `ok`. */
  failed?: boolean;
  kind?: "image" | "video";
  /** Ended in [from, to), epoch ms. */
  from?: number;
  to?: number;
  /** Words of model and message, the last one may be begun where no row has it whole; or the beginning of an id, from 6 characters on. */
  text?: string;
};

/** Changes made elsewhere (the command line on the same folder) are told by these counters, one per table. */
export type Revisions = { tokens: number; keys: number; settings: number };

/** With what ledger.ts, jobs.ts, media.ts, responses.ts, undelivered.ts and admin.ts ask for. */
export interface Store extends LedgerStore, JobStore, MediaRows, ResponseStore, UndeliveredStore, AdminStore {
  // tokens
  listTokens(): Promise<TokenRow[]>;
  /** @throws {AppError} `conflict` when the same secret is already there */
  insertToken(token: NewToken, now: number): Promise<TokenRow>;
  /** Many at once, in one act: for each whether it was put in or its secret was there already. At most 500. */
  insertTokens(tokens: readonly NewToken[], now: number): Promise<("inserted" | "known")[]>;
  /** For each whether its secret is there already. */
  hasTokens(tokens: readonly Pick<NewToken, "provider" | "secret">[]): Promise<boolean[]>;
  /** @throws {AppError} `not_found` */
  updateToken(id: number, change: TokenChange): Promise<TokenRow>;
  /** @throws {AppError} `not_found` */
  deleteToken(id: number): Promise<void>;
  /** Decrypts. @throws {AppError} `not_found` */
  readTokenSecret(id: number): Promise<TokenSecret>;
  /** Keeps a rotated secret and merges `state`. @throws {AppError} `not_found`, `conflict` */
  writeTokenSecret(id: number, change: { secret?: string; state?: Record<string, unknown> }): Promise<void>;
  /** Health of many tokens and the pauses that began with it, in one transaction; unknown ids are passed over. */
  saveHealth(changes: readonly HealthChange[]): Promise<void>;
  /** What held any of these subjects back, newest first; the latest 50 of each are kept. */
  listPauses(subjects: readonly string[], limit: number): Promise<PauseRow[]>;

  // keys
  listKeys(): Promise<KeyRow[]>;
  /** Rows with their SHA-256, for the guard's table in memory. */
  listKeyHashes(): Promise<{ id: number; hash: Uint8Array }[]>;
  /** @throws {AppError} `conflict` when the same key was issued before */
  insertKey(key: NewKey, now: number): Promise<KeyRow>;
  /** @throws {AppError} `not_found` */
  updateKey(id: number, change: KeyChange): Promise<KeyRow>;

  // settings edited at run time, as JSON by dotted key
  readSettings(): Promise<Record<string, unknown>>;
  /** Null or undefined forgets a key, so that a lower layer counts again. */
  writeSettings(changes: Record<string, unknown>): Promise<void>;

  // small facts of this installation (admin password hash, first-start marks)
  readFact(name: string): Promise<string | null>;
  writeFact(name: string, value: string | null): Promise<void>;

  /** Cheap; asked every second. Counts what an operator edits; not health, what checks learn, and rotated secrets. */
  revisions(): Promise<Revisions>;
  close(): Promise<void>;
}

/** The request log: its own file, its own pace. Losing the last second is allowed. */
export interface RequestLog {
  /** Never throws and never waits; rows are written in batches. */
  append(row: RequestRow): void;
  /** Rows appended before the call are seen. */
  list(filter: RequestFilter): Promise<RequestRow[]>;
  get(id: string): Promise<RequestRow | null>;
  /** Rows that began before, slice by slice until none is left or `signal` aborts. */
  deleteBefore(time: number, signal?: AbortSignal): Promise<number>;
  flush(): Promise<void>;
  close(): Promise<void>;
}
