// File download of a text that is written in slices: between two of them the event loop serves others.

/** @param type media type of the text, without its charset */
export async function downloadText(name: string, type: string, slices: Iterable<string>): Promise<Response> {
  const text: string[] = [];
  for (const slice of slices) {
    text.push(slice);
    await Bun.sleep(0);
  }
  return new Response(new Blob(text), { headers: downloadHeaders(name, type) });
}

const downloadHeaders = (name: string, type: string) => ({
  "content-type": `${type}; charset=utf-8`,
  "content-disposition": `attachment; filename="${name}"`,
  "cache-control": "no-store",
});

type Server = { timeout(request: Request, seconds: number): void } | null;

/** The same for what may be longer than memory: read as the client takes it. A failure on the way ends the connection, so that half a file is none. */
export function downloadSlices(
  { request, server }: { request: Request; server: Server },
  name: string,
  type: string,
  slices: AsyncGenerator<string>,
): Response {
  server?.timeout(request, 0);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await slices.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: () => void slices.return(undefined),
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: downloadHeaders(name, type) });
}
