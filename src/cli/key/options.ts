// Options that say what a key may do and how much, for making and for changing one.
import type { KeyLimits, KeyRow } from "../../domain/key.ts";
import { imageForms, isAddressRange, SIDE_CALL_MODES, unknownModel, videoForms } from "../../gateway/keys/manage-keys.ts";
import type { Catalogue } from "../../gateway/models/catalogue/catalogue.ts";
import {
  given,
  or,
  readChoice,
  readDecimal,
  readFuture,
  readList,
  readListOf,
  readSwitch,
  readWhole,
  wrongValue,
} from "../option-values.ts";
import type { Call, Options } from "../verb.ts";

const limit = (value: string, help: string) => ({ type: "string", value, help }) as const;

/** An empty value clears: no limit, everything allowed, as the settings say. */
export const KEY_OPTIONS = {
  rpm: limit("N", "generations in any 60 seconds"),
  concurrency: limit("N", "generations at once"),
  "limit-upload-mb-day": limit("N", "uploads a day, in MiB"),
  "limit-images-day": limit("N", "images a day; days and months are UTC"),
  "limit-images-month": limit("N", "images a month"),
  "limit-images-total": limit("N", "images ever"),
  "limit-video-seconds-day": limit("S", "seconds of video a day"),
  "limit-video-seconds-month": limit("S", "seconds of video a month"),
  "limit-video-seconds-total": limit("S", "seconds of video ever"),
  "limit-usd-day": limit("USD", "estimated money a day"),
  "limit-usd-month": limit("USD", "estimated money a month"),
  "limit-usd-total": limit("USD", "estimated money ever"),
  models: limit("A,B", "only these model ids; a family allows all its ids"),
  kinds: limit("image,video", "only these kinds"),
  addresses: limit("CIDR,…", "only from these addresses"),
  expires: limit("DAY", "when it ends, e.g. 2027-01-01 (UTC) or 2027-01-01T12:00:00Z"),
  "image-form": limit("FORM", "images in chat: markdown_url, markdown_data or images (default: chat.image_form)"),
  "video-form": limit("FORM", "videos in chat: link, html_block or html_fence (default: chat.video_form)"),
  "side-calls": limit("MODE", "titles, tags, health checks: answer, refuse or generate (default: chat.auxiliary)"),
  auxiliary: limit("on|off", "the same as --side-calls answer and --side-calls generate"),
  "images-routes-only": limit("on|off", "make images through the images routes only, none in chat"),
} as const satisfies Options;

type Values = Call<typeof KEY_OPTIONS>["values"];

const MAX_RATE = 100_000;
const MAX_COUNT = 1e12;
/** What was given; undefined where nothing was. Limits are whole: those not given are as in `current`. @throws {AppError} reason `usage` */
export function readKeyOptions(values: Values, current: KeyLimits, now: number): Partial<KeyRow> {
  return {
    limits: hasLimits(values) ? readLimits(values, current) : undefined,
    models: orNone(given(values.models, readList)),
    kinds: orNone(given(values.kinds, readListOf("kinds", ["image", "video"]))),
    addresses: orNone(given(values.addresses, readAddresses)),
    expiresAt: given(values.expires, readFuture("expires", now)),
    imageForm: given(values["image-form"], readChoice("image-form", imageForms())),
    videoForm: given(values["video-form"], readChoice("video-form", videoForms())),
    sideCalls: readSideCalls(values),
    imagesRoutesOnly: orOff(given(values["images-routes-only"], readSwitch("images-routes-only"))),
  };
}

function readSideCalls(values: Values): KeyRow["sideCalls"] | undefined {
  const mode = given(values["side-calls"], readChoice("side-calls", SIDE_CALL_MODES));
  if (mode !== undefined) return mode;
  const isOn = given(values.auxiliary, readSwitch("auxiliary"));
  return typeof isOn === "boolean" ? (isOn ? "answer" : "generate") : isOn;
}

const orOff = (isOn: boolean | null | undefined): boolean | undefined => (isOn === null ? false : isOn);

/** A list that was cleared is empty. */
const orNone = <T>(list: T[] | null | undefined): T[] | undefined => (list === null ? [] : list);

const hasLimits = (values: Values) =>
  Object.entries(values).some(([name, value]) => /^(rpm|concurrency|limit-.*)$/.test(name) && value !== undefined);

function readLimits(values: Values, current: KeyLimits): KeyLimits {
  type Unit = "images" | "video-seconds" | "usd";
  const spans = (unit: Unit, before: KeyLimits["usd"], read: (option: string) => (text: string) => number): KeyLimits["usd"] => {
    const one = (period: keyof KeyLimits["usd"]) => {
      const option = `limit-${unit}-${period}` as const;
      return or(given(values[option], read(option)), before[period]);
    };
    return { day: one("day"), month: one("month"), total: one("total") };
  };
  return {
    rpm: or(given(values.rpm, readWhole("rpm", 1, MAX_RATE)), current.rpm),
    concurrency: or(given(values.concurrency, readWhole("concurrency", 1, MAX_RATE)), current.concurrency),
    uploadMbDay: or(given(values["limit-upload-mb-day"], readWhole("limit-upload-mb-day", 0, MAX_COUNT)), current.uploadMbDay),
    images: spans("images", current.images, (option) => readWhole(option, 0, MAX_COUNT)),
    videoSeconds: spans("video-seconds", current.videoSeconds, (option) => readDecimal(option, 3)),
    usd: spans("usd", current.usd, (option) => readDecimal(option, 6)),
  };
}

/** @param catalogue absent: it is not known yet. @throws {AppError} reason `usage` for a model that no layer of the catalogue has */
export function assertKnownModels(catalogue: Catalogue | undefined, models: readonly string[] = []): void {
  if (!catalogue) return;
  for (const model of models) {
    const unknown = unknownModel(catalogue, model);
    if (unknown) throw wrongValue("models", `model ids (nearest is "${unknown.nearest}")`, model);
  }
}

function readAddresses(text: string): string[] {
  return readList(text).map((address) => {
    if (isAddressRange(address)) return address;
    throw wrongValue("addresses", 'addresses like "203.0.113.7" or "10.0.0.0/8"', address);
  });
}
