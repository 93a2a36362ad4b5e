// Vault contract: seals and opens secrets by purpose.

/** What can be done with the installation key. A purpose is a constant word: a box of one cannot be opened for another. */
export type Vault = {
  /** Encrypts. The same text never gives the same box. */
  seal(purpose: string, text: string): Uint8Array;
  /** @throws {Error} when the box was made with another key or purpose, or is damaged; says nothing of its content */
  open(purpose: string, box: Uint8Array): string;
  /** 32 bytes that belong to the purpose, for signing what leaves this program. */
  derive(purpose: string): Uint8Array;
  /** Keyed SHA-256: tells whether two texts are the same, and nothing else. */
  mac(purpose: string, text: string): Uint8Array;
};
