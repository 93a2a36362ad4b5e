// The upstream of the benchmarks: answers generateContent at once with an image of the asked weight. Shares nothing with the simulator.

/** A valid PNG of 1x1 pixels, padded with an ignorable chunk to the wanted weight. */
function pngOf(bytes: number): Buffer {
  const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  const padding = Math.max(0, bytes - pixel.length - 12);
  if (padding === 0) return pixel;
  const chunk = Buffer.alloc(12 + padding, "x");
  chunk.writeUInt32BE(padding, 0);
  chunk.write("teSt", 4, "latin1");
  chunk.writeUInt32BE(Bun.hash.crc32(chunk.subarray(4, 8 + padding)), 8 + padding);
  return Buffer.concat([pixel.subarray(0, -12), chunk, pixel.subarray(-12)]);
}

function answerOf(bytes: number): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      candidates: [
        {
          content: { role: "model", parts: [{ inlineData: { mimeType: "image/png", data: pngOf(bytes).toString("base64") } }] },
          finishReason: "STOP",
          index: 0,
        },
      ],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 1120, totalTokenCount: 1130 },
      modelVersion: "mock",
    }),
  );
}

const MIB = 1024 * 1024;
/** By model, so that one mock serves every scenario: its base64 has about this weight. */
const ANSWERS: Record<string, Uint8Array> = {
  "gemini-nano-banana-2.1": answerOf(70),
  "gemini-3.1-flash-image": answerOf(1.5 * MIB),
  "gemini-3-pro-image": answerOf(18 * MIB),
};
const MODELS = JSON.stringify({
  models: Object.keys(ANSWERS).map((id) => ({ name: `models/${id}`, supportedGenerationMethods: ["generateContent"] })),
});
const HEADERS = { "content-type": "application/json" };

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2] ?? 0),
  idleTimeout: 0,
  async fetch(request) {
    if (request.method === "GET") return new Response(MODELS, { headers: HEADERS });
    await request.arrayBuffer();
    const model = /models\/([^:]+):/.exec(request.url)?.[1] ?? "gemini-nano-banana-2.1";
    const response = ANSWERS[model] ?? ANSWERS["gemini-nano-banana-2.1"]!;
    if (model === "gemini-3-pro-image") await Bun.sleep(300);
    return new Response(response as BodyInit, { headers: HEADERS });
  },
});
console.log(server.port);
