// Key form for creating and editing, and the page that shows a new key once.
import type { KeyRow } from "../../src/domain/key.ts";
import { Button, Card, CodeBlock, CopyButton, LinkButton } from "../ui/controls.tsx";
import { Choice, Field, Select, Toggle } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import { Hint } from "../ui/messages.tsx";
import type { View } from "../ui/view.ts";
import { type ClientSettings, clientSettings } from "./key-clients.ts";
import { keyHref } from "./keys.tsx";

export type KeyFormData = {
  /** Null: a new key. */
  row: KeyRow | null;
  /** The key whose settings a new one begins with; null: none. */
  from: KeyRow | null;
  /** Limits that a new key begins with. */
  limits: KeyRow["limits"];
  /** Families that can be chosen, with their titles. */
  families: readonly { id: string; title: string; kind: "image" | "video" }[];
  /** Other ids that are known, to choose from while writing. */
  ids: readonly string[];
  imageForms: readonly string[];
  videoForms: readonly string[];
};

export function KeyFormPage({ view, data }: { view: View; data: KeyFormData }) {
  const { keys, controls } = view.t;
  const { row } = data;
  const action = row ? keyHref(row.id, "/edit") : "/admin/keys/new";
  return (
    <>
      <PageHead up={{ href: "/admin/keys", label: keys.title }} title={row ? keys.formEdit(row.name) : keys.formNew} />
      <Form view={view} action={action} class="flow">
        <div class="columns">
          <Who view={view} row={row ?? data.from} isNew={!row} />
          <Behaviour view={view} data={data} />
        </div>
        <Limits view={view} limits={row?.limits ?? data.limits} isNew={!row} />
        <Models view={view} data={data} />
        <div class="foot">
          <Button tone="primary">{row ? keys.save : keys.submit}</Button>
          <LinkButton href={row ? keyHref(row.id) : "/admin/keys"} tone="quiet">
            {controls.cancel}
          </LinkButton>
        </div>
      </Form>
    </>
  );
}

type Part = { view: View; row: KeyRow | null; isNew: boolean };

function Who({ view, row, isNew }: Part) {
  const { keys } = view.t;
  const expires = row?.expiresAt == null ? "" : new Date(row.expiresAt).toISOString().slice(0, 16);
  return (
    <Card title={keys.who}>
      <Field
        name="name"
        label={keys.name}
        hint={keys.nameHint}
        value={row?.name ?? ""}
        required
        maxLength={100}
        data-focus={isNew || undefined}
      />
      <Field name="expires" label={keys.expires} hint={keys.expiresHint} type="datetime-local" value={expires} />
      <Field
        name="addresses"
        label={keys.addressesField}
        hint={keys.addressesHint}
        rows={2}
        value={row?.addresses.join("\n") ?? ""}
        maxLength={4000}
      />
      <Toggle name="enabled" label={keys.enabledField} on={row?.enabled ?? true} />
    </Card>
  );
}

function Behaviour({ view, data }: { view: View; data: KeyFormData }) {
  const { imageForms, videoForms } = data;
  const row = data.row ?? data.from;
  const { keys } = view.t;
  const asSettings = { value: "", label: view.t.keys.asSettings("").replace(/[:：]\s*$/, "") };
  const kinds = (["all", "image", "video"] as const).map((value) => ({ value, label: keys.kindChoices[value] }));
  return (
    <Card title={keys.behaviour}>
      <Select name="kinds" label={keys.kindsField} value={row?.kinds.length === 1 ? row.kinds[0] : "all"} options={kinds} />
      <Select
        name="image_form"
        label={keys.imageForm}
        value={row?.imageForm ?? ""}
        options={[asSettings, ...imageForms.map((value) => ({ value, label: keys.imageForms[value] ?? value }))]}
      />
      <Select
        name="video_form"
        label={keys.videoForm}
        value={row?.videoForm ?? ""}
        options={[asSettings, ...videoForms.map((value) => ({ value, label: keys.videoForms[value] ?? value }))]}
      />
      <Select
        name="side_calls"
        label={keys.sideCalls}
        hint={keys.sideCallsHint}
        value={row?.sideCalls ?? ""}
        options={[asSettings, ...(["answer", "refuse", "generate"] as const).map((value) => ({ value, label: keys.sideCallModes[value] }))]}
      />
      <Toggle name="images_routes_only" label={keys.imagesRoutesOnlyField} on={row?.imagesRoutesOnly ?? false} />
    </Card>
  );
}

function Limits({ view, limits, isNew }: { view: View; limits: KeyRow["limits"]; isNew: boolean }) {
  const { keys } = view.t;
  return (
    <Card title={keys.limits}>
      <p class="soft">{isNew ? `${keys.limitsHint} ${keys.limitsDefault}` : keys.limitsHint}</p>
      <div class="limit-fields">
        <fieldset>
          <legend>{keys.pace}</legend>
          <Field name="rpm" label={keys.rpm} type="number" min={1} max={100_000} value={limits.rpm ?? ""} />
          <Field name="concurrency" label={keys.concurrency} type="number" min={1} max={100_000} value={limits.concurrency ?? ""} />
          <Field name="upload_mb_day" label={keys.uploads} type="number" min={0} value={limits.uploadMbDay ?? ""} />
        </fieldset>
        {(["images", "videoSeconds", "usd"] as const).map((unit) => (
          <fieldset key={unit}>
            <legend>{keys.units[unit]}</legend>
            {(["day", "month", "total"] as const).map((period) => (
              <Field
                key={period}
                name={limitField(unit, period)}
                label={keys.perPeriod[period]}
                type="number"
                min={0}
                step={unit === "images" ? 1 : "any"}
                value={limits[unit][period] ?? ""}
              />
            ))}
          </fieldset>
        ))}
      </div>
    </Card>
  );
}

const UNIT_FIELDS = { images: "images", videoSeconds: "video_seconds", usd: "usd" } as const;

/** Name of a limit's field: `images_day`, `video_seconds_month`, `usd_total`. */
export const limitField = (unit: keyof typeof UNIT_FIELDS, period: "day" | "month" | "total"): string => `${UNIT_FIELDS[unit]}_${period}`;

function Models({ view, data }: { view: View; data: KeyFormData }) {
  const { families, ids } = data;
  const row = data.row ?? data.from;
  const { keys, requests } = view.t;
  const chosen = new Set(row?.models ?? []);
  const known = new Set(families.map(({ id }) => id));
  return (
    <Card title={keys.modelsField}>
      <p class="soft">{keys.modelsHint}</p>
      <div class="columns model-choices">
        {(["image", "video"] as const).map((kind) => (
          <fieldset key={kind}>
            <legend>{requests.kinds[kind]}</legend>
            {families
              .filter((family) => family.kind === kind)
              .map(({ id, title }) => (
                <Choice key={id} type="checkbox" name="models" value={id} checked={chosen.has(id)}>
                  {title} <small class="soft mono">{id}</small>
                </Choice>
              ))}
          </fieldset>
        ))}
      </div>
      <Field
        name="more_models"
        label={keys.moreModels}
        hint={keys.moreModelsHint}
        value={[...chosen].filter((id) => !known.has(id)).join(", ")}
        list="model-ids"
        maxLength={4000}
      />
      <datalist id="model-ids">
        {ids.map((id) => (
          <option key={id} value={id} />
        ))}
      </datalist>
    </Card>
  );
}

type MadeProps = {
  view: View;
  row: KeyRow;
  secret: string;
  origin: string;
  model: string;
  /** Hours for which a rotation left the former secret valid; absent: a new key. */
  formerHours?: number;
};

/** The key, this once, and what to paste where. */
export function KeyMade({ view, row, secret, origin, model, formerHours }: MadeProps) {
  const { keys } = view.t;
  return (
    <div class="flow">
      <PageHead
        up={{ href: "/admin/keys", label: keys.title }}
        title={row.name}
        actions={
          <>
            <LinkButton href="/admin/keys/new">{keys.another}</LinkButton>
            <LinkButton href={keyHref(row.id)}>{keys.toKey}</LinkButton>
          </>
        }
      />
      <Hint tone="ok">
        {keys.shown} {formerHours !== undefined && (formerHours > 0 ? keys.rotated(`${formerHours}`) : keys.rotatedNow)}
      </Hint>
      <Card>
        <div class="row">
          <code id="made-key" class="grow">
            {secret}
          </code>
          <CopyButton view={view} from="#made-key" tone="primary" />
        </div>
      </Card>
      <Card title={keys.clients}>
        <p class="soft">{keys.clientsAbout}</p>
        <div class="clients">
          {clientSettings({ origin, key: secret, model }).map((client, index) => (
            <Client key={client.name} view={view} client={client} isOpen={index === 0} />
          ))}
        </div>
      </Card>
    </div>
  );
}

function Client({ view, client: { name, title, text }, isOpen }: { view: View; client: ClientSettings; isOpen: boolean }) {
  const note = view.t.keys.clientNotes[name];
  return (
    <details name="client" open={isOpen}>
      <summary>{title}</summary>
      {note && <p class="soft">{note}</p>}
      <div class="copied">
        <CodeBlock id={`client-${name}`} text={text} />
        <CopyButton view={view} from={`#client-${name}`} label={`${view.t.controls.copy}: ${title}`} />
      </div>
    </details>
  );
}
