// Service account of Google Cloud: its JSON key, read, checked and written back with what is used of it alone. Pure.
import { isRecord } from "./is-record.ts";

export type ServiceAccount = {
  /** Project whose quota its calls use. */
  project: string;
  email: string;
  keyId: string;
  /** PEM, PKCS #8. */
  privateKey: string;
};

/** Why a text is no key of a service account; for people, never quotes it. */
export type NoServiceAccount = { reason: string };

/** Token endpoints that Google's own JSON names. None of them is ever called for being named: the endpoint is a setting. */
const TOKEN_URIS: ReadonlySet<string> = new Set([
  "https://oauth2.googleapis.com/token",
  "https://accounts.google.com/o/oauth2/token",
  "https://www.googleapis.com/oauth2/v4/token",
]);

/** Project ids, those of a domain (`example.com:name`) too: they become part of a path. */
const PROJECT = /^(?:[a-z0-9.-]{1,80}:)?[a-z][a-z0-9-]{3,62}$/;
const EMAIL = /^[\w.+-]{1,64}@[\w.-]{1,190}$/;
const PEM = /^-----BEGIN PRIVATE KEY-----[\sA-Za-z0-9+/=]+-----END PRIVATE KEY-----\s*$/;

/** Kinds of Google's credential files that people take for a key of a service account. */
const OTHER_TYPES: ReadonlySet<string> = new Set([
  "authorized_user",
  "external_account",
  "external_account_authorized_user",
  "impersonated_service_account",
  "gdch_service_account",
]);

/** Whether an object is a credential file of Google Cloud, of whatever type. */
export const isCloudCredential = (value: unknown): value is Record<string, unknown> =>
  isRecord(value) && typeof value.type === "string" && (value.type === "service_account" || OTHER_TYPES.has(value.type));

/** Reads the object that a JSON key is. */
export function readServiceAccount(value: unknown): ServiceAccount | NoServiceAccount {
  if (!isRecord(value)) return { reason: "is no JSON key of a service account" };
  const { type, project_id: project, client_email: email, private_key_id: keyId, private_key: key, token_uri, universe_domain } = value;
  if (type !== "service_account") {
    const kind = typeof type === "string" && OTHER_TYPES.has(type) ? ` (it is of type ${type})` : "";
    return { reason: `is no JSON key of a service account${kind}: create one for a service account of the project` };
  }
  if (token_uri !== undefined && !(typeof token_uri === "string" && TOKEN_URIS.has(token_uri)))
    return { reason: "names a token_uri that is not Google's: such a key is not used" };
  if (universe_domain !== undefined && universe_domain !== "googleapis.com")
    return { reason: "belongs to another cloud (universe_domain is not googleapis.com)" };
  if (typeof project !== "string" || !PROJECT.test(project)) return { reason: "holds no usable project_id" };
  if (typeof email !== "string" || !EMAIL.test(email)) return { reason: "holds no usable client_email" };
  // Environment files and copies from a terminal leave the escapes in.
  const privateKey = typeof key === "string" ? key.replaceAll("\\n", "\n").trim() : "";
  if (!PEM.test(privateKey)) return { reason: "holds no usable private_key (it begins with -----BEGIN PRIVATE KEY-----)" };
  return { project, email, keyId: typeof keyId === "string" && /^[\w-]{1,100}$/.test(keyId) ? keyId : "", privateKey: `${privateKey}\n` };
}

/** Reads a text; null where it is no JSON credential of Google Cloud. */
export function parseServiceAccount(text: string): ServiceAccount | NoServiceAccount | null {
  if (!text.trimStart().startsWith("{")) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isCloudCredential(value) ? readServiceAccount(value) : null;
  } catch {
    return null;
  }
}

export const isServiceAccount = (read: ServiceAccount | NoServiceAccount | null): read is ServiceAccount =>
  read !== null && "privateKey" in read;

/** The secret that is stored: always the same text for the same key. */
export const serviceAccountSecret = ({ project, email, keyId, privateKey }: ServiceAccount): string =>
  JSON.stringify({ type: "service_account", project_id: project, client_email: email, private_key: privateKey, private_key_id: keyId });
