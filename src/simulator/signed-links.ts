// Links in the manner of a signed bucket URL: they work without credentials until they expire.
import { createHmac } from "node:crypto";
import type { Exchange, Reply } from "./exchange.ts";
import type { World } from "./world.ts";

function sign(path: string, expires: number): string {
  return createHmac("sha256", "simulated bucket").update(`${path}\n${expires}`).digest("base64");
}

/** An absolute link to the path, good for the time that the options say. */
export function signedPath(world: World, origin: string, path: string): string {
  const expires = Math.floor(world.now() / 1000) + world.options.linkSeconds;
  const query = new URLSearchParams({
    GoogleAccessId: "labs-ai-sandbox@simulator.example",
    Expires: String(expires),
    Signature: sign(path, expires),
  });
  return `${origin}${path}?${query}`;
}

/** What is wrong with a link, as the bucket would answer, or null. */
export function checkLink({ incoming, world }: Pick<Exchange, "incoming" | "world">): Reply | null {
  const expires = Number(incoming.query.get("Expires"));
  if (incoming.query.get("Signature") !== sign(incoming.path, expires)) return bucketError(403, "SignatureDoesNotMatch");
  return expires * 1000 <= world.now() ? bucketError(400, "ExpiredToken") : null;
}

/** The bucket's errors are XML. */
export function bucketError(status: number, code: string): Reply {
  const body = `<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code><Message>Simulated.</Message></Error>`;
  return { status, headers: { "content-type": "application/xml; charset=UTF-8" }, body };
}
