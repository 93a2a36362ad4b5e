// Bytes of a text file as text: UTF-16 where a byte order mark says so, as PowerShell and Notepad write it, else UTF-8.

/** @throws {TypeError} where the bytes are no such text */
export function textOfBytes(bytes: Uint8Array): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding, { fatal: true }).decode(bytes);
}
