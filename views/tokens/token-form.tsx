// Token forms: settings of a token, and adding one.
import type { TokenRow } from "../../src/domain/token.ts";
import type { Cap } from "../../src/gateway/pool/token-quota.ts";
import { SecretHelp } from "../auth/setup.tsx";
import { Button, Card, LinkButton } from "../ui/controls.tsx";
import { Field, Select, Toggle } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import type { View } from "../ui/view.ts";
import { tokenHref } from "./token-fields.tsx";

export const CAP_FIELDS = [
  { field: "requestsPerMinute", name: "requests_per_minute", step: 1 },
  { field: "requestsPerDay", name: "requests_per_day", step: 1 },
  { field: "imagesPerMinute", name: "images_per_minute", step: 1 },
  { field: "usdPerDay", name: "usd_per_day", step: "any" },
] as const satisfies readonly { field: keyof Cap; name: string; step: number | string }[];

/** Numbers of a cap; empty: none. */
export function CapFields({ view, cap }: { view: View; cap: Partial<Cap> | null }) {
  const { fields } = view.t.tokens;
  return (
    <div class="columns tight">
      {CAP_FIELDS.map(({ field, name, step }) => (
        <Field key={name} name={name} label={fields[field]} type="number" min={0} step={step} value={cap?.[field] ?? ""} />
      ))}
    </div>
  );
}

/** Own caps as the row has them: opaque there, numbers or nothing. */
function capOf(caps: unknown): Partial<Cap> | null {
  return typeof caps === "object" && caps !== null ? (caps as Partial<Cap>) : null;
}

export function TokenSettings({ view, row, proxy }: { view: View; row: TokenRow; proxy: string }) {
  const { tokens, controls } = view.t;
  const { fields, hints } = tokens;
  return (
    <Card title={tokens.settings} id="settings">
      <Form view={view} action={tokenHref(row.id, "/settings")}>
        <div class="columns tight">
          <Field name="label" label={fields.label} hint={hints.label} value={row.label} required maxLength={100} />
          <Field name="group" label={fields.group} hint={hints.group} value={row.group ?? ""} maxLength={100} />
          <Field name="tags" label={fields.tags} hint={hints.tags} value={row.tags.join(", ")} maxLength={1000} />
          <Field name="proxy" label={fields.proxy} hint={hints.proxy} value={proxy} maxLength={500} />
          {row.provider === "vertex" && <Location view={view} value={row.location ?? ""} />}
        </div>
        <Field name="note" label={fields.note} value={row.note} rows={2} maxLength={2000} />
        <div class="row toggles">
          <Toggle name="enabled" label={fields.enabled} on={row.enabled} />
          <Toggle name="image_enabled" label={fields.imageEnabled} on={row.imageEnabled} />
          <Toggle name="video_enabled" label={fields.videoEnabled} on={row.videoEnabled} />
        </div>
        <div class="columns tight">
          <ConcurrencyFields view={view} values={{ image: row.imageConcurrency, video: row.videoConcurrency }} />
          <Field name="weight" label={fields.weight} hint={hints.weight} type="number" min={0} step="any" value={row.weight} required />
          <Field
            name="priority"
            label={fields.priority}
            hint={hints.priority}
            type="number"
            min={-1000}
            max={1000}
            value={row.priority}
            required
          />
          <Field name="allow_families" label={fields.allowFamilies} hint={hints.families} value={row.allowFamilies.join(", ")} />
          <Field name="deny_families" label={fields.denyFamilies} hint={hints.families} value={row.denyFamilies.join(", ")} />
        </div>
        <h3 class="part">{tokens.caps}</h3>
        <p class="soft">{hints.caps}</p>
        <CapFields view={view} cap={capOf(row.caps)} />
        <div class="foot">
          <Button tone="primary">{controls.save}</Button>
        </div>
      </Form>
    </Card>
  );
}

type PerKind = { image: number; video: number };

/** Calls at once, of images and of videos: as set, or empty with what an empty field means. */
function ConcurrencyFields({ view, values, placeholders }: { view: View; values?: PerKind; placeholders?: PerKind }) {
  const { fields, hints } = view.t.tokens;
  const common = { hint: hints.concurrency, type: "number", min: -1, max: 1000, required: values !== undefined } as const;
  const text = (value: number | undefined) => (value === undefined ? undefined : String(value));
  return (
    <>
      <Field
        name="image_concurrency"
        label={fields.imageConcurrency}
        value={values?.image}
        placeholder={text(placeholders?.image)}
        {...common}
      />
      <Field
        name="video_concurrency"
        label={fields.videoConcurrency}
        value={values?.video}
        placeholder={text(placeholders?.video)}
        {...common}
      />
    </>
  );
}

/** Locations that most models are at, to choose from; any other may be typed. */
const LOCATIONS = ["global", "us", "eu", "us-central1", "europe-west4", "asia-northeast1"];

function Location({ view, value }: { view: View; value: string }) {
  const { fields, hints } = view.t.tokens;
  return (
    <>
      <Field
        name="location"
        label={fields.location}
        hint={hints.location}
        value={value}
        placeholder="global"
        list="locations"
        maxLength={40}
      />
      <datalist id="locations">
        {LOCATIONS.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}

/** `defaults`: calls at once of a token whose form leaves them empty. */
export function NewTokenPage({ view, defaults }: { view: View; defaults: PerKind }) {
  const { tokens, controls } = view.t;
  const { fields, hints } = tokens;
  const providers = Object.entries(tokens.providers).map(([value, label]) => ({ value, label }));
  return (
    <>
      <PageHead up={{ href: "/admin/tokens", label: tokens.title }} title={tokens.addTitle} about={tokens.addAbout} />
      <div class="flow">
        <SecretHelp view={view} />
        <Form view={view} action="/admin/tokens" multipart class="box">
          <div class="columns tight">
            <Select name="provider" label={tokens.provider} options={providers} data-focus />
            <Field name="secret" label={fields.secret} hint={hints.secret} type="password" autocomplete="off" maxLength={16_384} />
            <Field name="file" label={fields.secretFile} hint={hints.secretFile} type="file" accept=".json,.txt,application/json" />
            <Field name="label" label={fields.label} hint={hints.label} maxLength={100} />
            <Field name="group" label={fields.group} hint={hints.group} maxLength={100} />
            <ConcurrencyFields view={view} placeholders={defaults} />
            <Location view={view} value="" />
            <Field name="proxy" label={fields.proxy} hint={hints.proxy} maxLength={500} />
            <Field name="tags" label={fields.tags} hint={hints.tags} maxLength={1000} />
          </div>
          <Field name="note" label={fields.note} rows={2} maxLength={2000} />
          <div class="foot">
            <Button tone="primary">{tokens.add}</Button>
            <LinkButton href="/admin/tokens">{controls.cancel}</LinkButton>
          </div>
        </Form>
      </div>
    </>
  );
}
