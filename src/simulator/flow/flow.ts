// The simulated Flow: the labs site with its session cookie, the API with its access tokens, and the bucket behind the links.
import { type Exchange, fieldsOf, type Incoming, listOf, type Reply, type Route } from "../exchange.ts";
import type { Operation } from "../operations.ts";
import type { World } from "../world.ts";
import * as accounts from "./accounts.ts";
import { generateImages, uploadImage, upscaleImage } from "./images.ts";
import { deleteMedia, downloadReply, mediaResponse, ownerOf, redirectReply } from "./media.ts";
import { concatenate, concatenationStatus, isVideoMode, submitVideos, videoStatus } from "./videos.ts";

const LABS = "/labs/fx/api/";
const API = "/flow/v1";
const BUCKET = "/cdn/";

/** The route of a Flow request, or null when the path is none of Flow's. */
export function routeFlow(incoming: Incoming, world: World): Route | null {
  const { path, method } = incoming;
  if (path.startsWith(LABS)) return routeLabs(incoming, `${method} ${path.slice(LABS.length)}`);
  if (path.startsWith(API)) return routeApi(incoming, world, `${method} ${path.slice(API.length)}`);
  if (path.startsWith(BUCKET) && method === "GET") {
    return { operation: "flow.download", secret: ownerOf(world, path), denied: null, run: downloadReply };
  }
  return null;
}

const LABS_ROUTES: Record<string, [Operation, (exchange: Exchange) => Reply]> = {
  "GET auth/session": ["flow.session", accounts.sessionReply],
  "POST trpc/project.createProject": ["flow.project", accounts.createProject],
  "POST trpc/project.deleteProject": ["flow.project-delete", accounts.deleteProject],
  "GET trpc/media.getMediaUrlRedirect": ["flow.redirect", redirectReply],
  "POST trpc/media.deleteMedia": ["flow.media-delete", removeMedia],
};

function routeLabs(incoming: Incoming, call: string): Route | null {
  const found = LABS_ROUTES[call];
  if (!found) return null;
  const [operation, run] = found;
  const secret = accounts.accountOf(accounts.sessionOf(incoming));
  const stranger = operation !== "flow.session" && (secret === "" || secret.startsWith("dead"));
  return { operation, secret, denied: stranger ? accounts.trpcError(401, "UNAUTHORIZED", incoming.path) : null, run };
}

function removeMedia({ incoming, world }: Exchange): Reply {
  deleteMedia(world, accounts.accountOf(accounts.sessionOf(incoming)), listOf(fieldsOf(incoming.json()?.json).names));
  return accounts.trpcReply({});
}

type ApiCall = { operation: Operation; run: (exchange: Exchange, account: string) => Reply | Promise<Reply> };

const API_ROUTES: Record<string, ApiCall> = {
  "GET /credits": { operation: "flow.credits", run: ({ world }, account) => accounts.creditsReply(world, account) },
  "POST /flow/uploadImage": { operation: "flow.upload", run: (exchange, account) => uploadImage(exchange, account, false) },
  "POST :uploadUserImage": { operation: "flow.upload", run: (exchange, account) => uploadImage(exchange, account, true) },
  "POST /flow/upsampleImage": { operation: "flow.upscale", run: upscaleImage },
  "POST /video:batchCheckAsyncVideoGenerationStatus": { operation: "flow.video-status", run: videoStatus },
  "POST :runVideoFxConcatenation": { operation: "flow.concat", run: concatenate },
  "POST :runVideoFxCheckConcatenationStatus": { operation: "flow.concat-status", run: concatenationStatus },
};

function findApiCall(call: string): ApiCall | null {
  const fixed = API_ROUTES[call];
  if (fixed) return fixed;
  const images = /^POST \/projects\/([^/]+)\/flowMedia:batchGenerateImages$/.exec(call);
  if (images) return { operation: "flow.image", run: (exchange, account) => generateImages(exchange, account, images[1]!) };
  const mode = /^POST \/video:batchAsyncGenerateVideo(\w+)$/.exec(call)?.[1];
  if (mode && isVideoMode(mode)) return { operation: "flow.video", run: (exchange, account) => submitVideos(exchange, account, mode) };
  const media = /^GET \/media\/([^/]+)$/.exec(call);
  if (media) return { operation: "flow.media", run: (exchange, account) => mediaResponse(exchange, account, media[1]!) };
  return null;
}

function routeApi(incoming: Incoming, world: World, call: string): Route | null {
  const found = findApiCall(call);
  if (!found) return null;
  const account = accounts.readAccessToken(incoming, world.now())?.account ?? "";
  return {
    operation: found.operation,
    secret: account,
    denied: accounts.checkAccess(incoming, world.now()),
    run: (exchange) => found.run(exchange, account),
  };
}
