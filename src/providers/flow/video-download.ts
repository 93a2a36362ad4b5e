// The ways to a finished video: its link, Flow's media store, or the status of a concatenation. No link is stored, each is asked for again.

import { damaged } from "../json-stream.ts";
import type { CallContext, Provider, ProviderToken } from "../provider.ts";
import type { Concatenation } from "./concatenation.ts";
import { type Files, VIDEO_FILE, type Way } from "./files.ts";
import { type FlowVideo, readFinished } from "./handle.ts";
import { withoutCost } from "./transport.ts";
import type { AskStatus } from "./video-status.ts";

/** A video in 4K may take minutes over a slow proxy. */
const TRY_LIMIT_MS = 600_000;

type Parts = { files: Files; concatenation: Concatenation; askStatus: AskStatus };

/** A finished video is paid: where one way fails the next is gone, and all of it may be repeated. */
export function createVideoDownload({ files, concatenation, askStatus }: Parts): Provider["downloadVideo"] {
  const waysTo = (video: FlowVideo, token: ProviderToken, call: CallContext): Way[] => {
    const { form, name, mediaId } = video;
    const follow = (url: string | undefined, within: CallContext) => {
      if (!url) throw damaged("malformed", "Flow's answer holds no link.");
      return files.fetchLink(url, VIDEO_FILE, token, within);
    };
    if (form === "concatenation") {
      return [
        { name: "bytes", fetch: (within) => concatenation.fetchBytes(name, token, within) },
        { name: "link", fetch: async (within) => follow((await concatenation.status(name, token, call)).url, within) },
      ];
    }
    const byLink: Way = { name: "link", fetch: async (within) => follow((await askStatus(video, token, call)).url, within) };
    const stored: Way[] = mediaId
      ? [
          { name: "fresh link", fetch: (within) => files.fetchFresh(mediaId, VIDEO_FILE, token, within) },
          { name: "bytes", fetch: (within) => files.fetchBytes(mediaId, VIDEO_FILE, token, within) },
        ]
      : [];
    return form === "operation" ? [byLink, ...stored] : stored;
  };

  return async (result, token, call) => {
    const video = readFinished(result);
    try {
      return await files.tryWays(waysTo(video, token, call), VIDEO_FILE, TRY_LIMIT_MS, call);
    } catch (error) {
      throw withoutCost(error);
    }
  };
}
