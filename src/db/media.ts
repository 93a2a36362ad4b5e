// Store contract: media rows, small files with their bytes, pages, expiry.
import type { Media } from "../domain/generation.ts";

/** A page of one key's uploaded files. `after`: id of the last one of the page before; a file that is gone by now: an empty page. */
export type FileFilter = {
  keyId: number;
  /** Epoch ms; files past their time are left out. */
  now: number;
  order: "asc" | "desc";
  limit: number;
  after?: string;
  purpose?: string;
};

/** What a client calls a file that it uploaded. */
export type FileName = { keyId: number; name: string; mediaId: string };

/** A page of all media of one origin: those that match everything given, newest first. Times are epoch ms. */
export type MediaFilter = {
  origin: Media["origin"];
  limit: number;
  /** The last one of the page before; it may be gone by now. */
  before?: Pick<Media, "createdAt" | "id">;
  kind?: Media["kind"];
  keyId?: number;
  family?: string;
  /** Made at `from` or later, and before `to`. */
  from?: number;
  to?: number;
  /** Only these. */
  ids?: readonly string[];
};

/** The call that made a result: its token, and the upstream's thought signature. */
export type MediaSource = { tokenId: number; signature: string | null };

export interface MediaRows {
  /** With its bytes in the same transaction when it is small; without, they are in a file. `source`: absent for what no call made. */
  insertMedia(media: Media, bytes?: Uint8Array | null, source?: MediaSource | null): Promise<void>;
  /** By id. Media without a source, and unknown ids, are left out. */
  readMediaSources(ids: readonly string[]): Promise<Map<string, MediaSource>>;
  /** Null when the bytes are not in the database. */
  readMediaBytes(id: string): Promise<Uint8Array | null>;
  getMedia(id: string): Promise<Media | null>;
  listFiles(filter: FileFilter): Promise<Media[]>;
  listMedia(filter: MediaFilter): Promise<Media[]>;
  /** How many match, counted up to `limit`: the cost is that of so many. */
  countMedia(filter: MediaFilter): Promise<number>;
  /** Those past `now`, first those that expired first. */
  listExpiredMedia(now: number, limit: number): Promise<Media[]>;
  /** Media of one owner and origin made before a time (epoch ms), oldest first. */
  listOldestMedia(filter: Pick<Media, "origin" | "keyId"> & { before: number; limit: number }): Promise<Media[]>;
  deleteMedia(ids: string[]): Promise<void>;
  /** The ids without a media item. */
  listUnknownMedia(ids: string[]): Promise<string[]>;
  /** False: the key has a living file of this name already. A name goes with its file. */
  nameFile(file: FileName, now: number): Promise<boolean>;
  /** Id of the media item that the key gave this name, expired or not. */
  fileNamed(keyId: number, name: string): Promise<string | null>;
  /** Names of those of these media that have one. */
  listFileNames(ids: string[]): Promise<FileName[]>;
  /** Bytes of all media, by owner and origin. */
  sumMedia(): Promise<(Pick<Media, "origin" | "keyId"> & { bytes: number })[]>;
}
