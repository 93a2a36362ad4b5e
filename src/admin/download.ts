// File download of a text that is written in slices: between two of them the event loop serves others.

/** @param type media type of the text, without its charset */
export async function downloadText(name: string, type: string, slices: Iterable<string>): Promise<Response> {
  const text: string[] = [];
  for (const slice of slices) {
    text.push(slice);
    await Bun.sleep(0);
  }
  return new Response(new Blob(text), {
    headers: {
      "content-type": `${type}; charset=utf-8`,
      "content-disposition": `attachment; filename="${name}"`,
      "cache-control": "no-store",
    },
  });
}
