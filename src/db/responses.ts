// Store contract: stored responses of /v1/responses, by id and key.
import type { Json } from "../domain/generation.ts";

export type ResponseRow = {
  id: string;
  keyId: number;
  /** Epoch ms. */
  createdAt: number;
  /** The response and its input; opaque JSON of the dialect. */
  body: Json;
};

/** Bytes that one key holds. */
export type ResponseSum = { keyId: number; bytes: number };

export interface ResponseStore {
  /** One that is there under this id already is left as it is. */
  insertResponse(row: ResponseRow): Promise<void>;
  /** Null: there is none, or it is another key's. */
  getResponse(id: string, keyId: number): Promise<ResponseRow | null>;
  /** False: there is none, or it is another key's. */
  deleteResponse(id: string, keyId: number): Promise<boolean>;
  /** Deletes at most `limit` that are older than `before`; says how many went. */
  deleteResponsesBefore(before: number, limit: number): Promise<number>;
  /** What each key holds; empty while all of it fits into `maxBytes`. */
  sumResponses(maxBytes: number): Promise<ResponseSum[]>;
  /** Deletes the oldest of one key, at least so many bytes and at most `limit` of them; says how many went. */
  deleteOldestResponses(sum: ResponseSum, limit: number): Promise<number>;
}
