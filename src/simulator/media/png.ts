// Writes indexed PNG files: one byte a pixel, a palette, one compressed block.
import { crc32, deflate } from "node:zlib";

export type IndexedImage = {
  width: number;
  height: number;
  /** Palette entries as 0xRRGGBB, at most 256. */
  palette: number[];
  /** Rows of palette indexes, each preceded by one zero byte (PNG filter "none"): (width + 1) * height bytes. */
  rows: Uint8Array;
};

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** PNG bytes of the image (PNG third edition, colour type 3). Compression runs off the main thread. */
export async function encodePng(renderedImage: IndexedImage): Promise<Uint8Array<ArrayBuffer>> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(renderedImage.width, 0);
  header.writeUInt32BE(renderedImage.height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const palette = Buffer.alloc(renderedImage.palette.length * 3);
  renderedImage.palette.forEach((colour, index) => void palette.writeUIntBE(colour, index * 3, 3));
  const pixels = await compress(renderedImage.rows);
  return joined([SIGNATURE, chunk("IHDR", header), chunk("PLTE", palette), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
}

function compress(rows: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    deflate(rows, { level: 2 }, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, "latin1");
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, data.length + 8)), data.length + 8);
  return bytes;
}

function joined(pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}
