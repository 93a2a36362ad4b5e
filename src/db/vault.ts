// Vault: seals and opens secrets by purpose, with one secret key, a derived key per purpose (HKDF) and AES-256-GCM.

/** What can be done with the installation key. A purpose is a constant word: a box of one cannot be opened for another. */
export type Vault = {
  /** Encrypts. The same text never gives the same box. */
  seal(purpose: string, text: string): Uint8Array;
  /** @throws {Error} when the box was made with another key or purpose, or is damaged; says nothing of its content */
  open(purpose: string, box: Uint8Array): string;
  /** As `open`, by Web Crypto: needs nothing that is loaded with the first box that is opened or sealed at once. */
  openLater(purpose: string, box: Uint8Array): Promise<string>;
  /** 32 bytes that belong to the purpose, for signing what leaves this program. */
  derive(purpose: string): Uint8Array;
  /** Keyed SHA-256: tells whether two texts are the same, and nothing else. */
  mac(purpose: string, text: string): Uint8Array;
};

export const KEY_BYTES = 32;
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

function assertWhole(box: Uint8Array): void {
  if (box.byteLength < HEAD_BYTES || box[0] !== VERSION) throw new Error("A sealed value is damaged.");
}

const notOpened = (cause: unknown) => new Error("A sealed value does not open with this secret key.", { cause });

/** Loaded with the first secret that is sealed: it brings streams with it, in each thread 1 MB and 5 ms of a start that needs neither. */
const ciphers = () => process.getBuiltinModule("node:crypto");

const hmac = (key: Uint8Array, text: string | Uint8Array): Buffer => new Bun.CryptoHasher("sha256", key).update(text).digest();

/** HKDF (RFC 5869) with SHA-256, without salt: the first 32 bytes. */
const deriveKey = (key: Uint8Array, info: string): Buffer => hmac(hmac(new Uint8Array(32), key), `${info}\x01`);

/**
 * The vault of an installation whose key is being replaced: seals with the first key, opens what either has sealed.
 * @param keys 32 bytes each
 */
export function createVaultOfTwo(...keys: readonly [Uint8Array, Uint8Array]): Vault {
  const [first, second] = keys.map(createVault) as [Vault, Vault];
  return {
    ...first,
    open(purpose, box) {
      try {
        return first.open(purpose, box);
      } catch {
        return second.open(purpose, box);
      }
    },
    openLater: (purpose, box) => first.openLater(purpose, box).catch(() => second.openLater(purpose, box)),
  };
}

/**
 * @param key 32 bytes, the secret key of the installation
 * @throws {Error} when the key has another length
 */
export function createVault(key: Uint8Array): Vault {
  if (key.byteLength !== KEY_BYTES) throw new Error(`The secret key must have ${KEY_BYTES} bytes.`);
  const derived = new Map<string, Buffer>();
  const keyFor = (use: "seal" | "derive" | "mac", purpose: string): Buffer => {
    const info = `flow2api/1/${use}/${purpose}`;
    let bytes = derived.get(info);
    if (!bytes) {
      bytes = deriveKey(key, info);
      derived.set(info, bytes);
    }
    return bytes;
  };
  return {
    seal(purpose, text) {
      const nonce = crypto.getRandomValues(Buffer.alloc(NONCE_BYTES));
      const cipher = ciphers().createCipheriv("aes-256-gcm", keyFor("seal", purpose), nonce);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return new Uint8Array(Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), body]));
    },
    open(purpose, box) {
      assertWhole(box);
      const nonce = box.subarray(1, 1 + NONCE_BYTES);
      const decipher = ciphers().createDecipheriv("aes-256-gcm", keyFor("seal", purpose), nonce, { authTagLength: TAG_BYTES });
      decipher.setAuthTag(box.subarray(1 + NONCE_BYTES, HEAD_BYTES));
      try {
        return Buffer.concat([decipher.update(box.subarray(HEAD_BYTES)), decipher.final()]).toString("utf8");
      } catch (error) {
        throw notOpened(error);
      }
    },
    async openLater(purpose, box) {
      assertWhole(box);
      const iv = new Uint8Array(box.subarray(1, 1 + NONCE_BYTES));
      const sealed = new Uint8Array(Buffer.concat([box.subarray(HEAD_BYTES), box.subarray(1 + NONCE_BYTES, HEAD_BYTES)]));
      const aes = await crypto.subtle.importKey("raw", new Uint8Array(keyFor("seal", purpose)), "AES-GCM", false, ["decrypt"]);
      const text = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, aes, sealed).catch((error) => {
        throw notOpened(error);
      });
      return Buffer.from(text).toString("utf8");
    },
    derive: (purpose) => new Uint8Array(keyFor("derive", purpose)),
    mac: (purpose, text) => new Uint8Array(hmac(keyFor("mac", purpose), text)),
  };
}
