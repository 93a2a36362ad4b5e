// What /v1/responses asks of persistence: answers under their ids, each a key's own.
import type { Json } from "../domain/generation.ts";

export type ResponseRow = {
  id: string;
  keyId: number;
  /** Epoch ms. */
  createdAt: number;
  /** The answer and what it answers; opaque JSON of the surface. */
  body: Json;
};

export interface ResponseStore {
  /** One that is there under this id already is left as it is. */
  insertResponse(row: ResponseRow): Promise<void>;
  /** Null: there is none, or it is another key's. */
  getResponse(id: string, keyId: number): Promise<ResponseRow | null>;
  /** False: there is none, or it is another key's. */
  deleteResponse(id: string, keyId: number): Promise<boolean>;
  /** Deletes at most `limit` that are older than `before`, or the oldest beyond `maxBytes` in all; says how many went. */
  deleteResponsesBefore(before: number, maxBytes: number, limit: number): Promise<number>;
}
