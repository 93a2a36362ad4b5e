// A key that is issued to a client: its limits, its permissions, and the forms in which its clients take results.

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

export const NO_LIMIT = { day: null, month: null, total: null };
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

/** The SHA-256 of a key, as the guard finds it. `until`: a rotation replaced it, and it is valid until then, epoch ms. */
export type KeyHash = { id: number; hash: Uint8Array; until: number | null };

/** A secret that a rotation replaced and that is still valid. */
export type FormerKey = { prefix: string; until: number };

export type KeyChange = Partial<Omit<KeyRow, "id" | "createdAt" | "prefix">>;

/** A key that we issue. The key itself is shown once and never stored. */
/** Answered here, refused, or generated like any other. */
export type SideCallMode = "answer" | "refuse" | "generate";
