// Playground form: options of the chosen model and input slots, re-rendered on the server on change.

import type { Media } from "../../src/domain/generation.ts";
import type { ImageModel, ModeChoices, PlaygroundForm, PlaygroundModel, Slot, SlotRule } from "../../src/gateway/playground/options.ts";
import { Button } from "../ui/controls.tsx";
import { Field, type Option, Select } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { type ShownMedia, Thumb } from "../ui/media.tsx";
import type { View } from "../ui/view.ts";

export type FormData = {
  models: readonly PlaygroundModel[];
  model: PlaygroundModel;
  values: PlaygroundForm;
  /** Of the model in the chosen mode. */
  offer: ImageModel | ModeChoices;
  /** Images of one run, at most. */
  maxImages: number;
  /** Inputs by slot; those that are gone are left out. */
  inputs: Readonly<Record<Slot, readonly Media[]>>;
};

const SETTINGS = {
  "hx-post": "/admin/playground/settings",
  "hx-target": "#playground-settings",
  "hx-swap": "innerMorph",
  "hx-trigger": "change",
};
/** A refusal is shown where the result would be. */
const REFUSALS = { "hx-status:4xx": "target:#run swap:innerHTML", "hx-status:5xx": "target:#run swap:innerHTML" };

export function PlaygroundFormView({ view, data }: { view: View; data: FormData }) {
  const { playground } = view.t;
  const htmx = { "hx-post": "/admin/playground/runs", "hx-target": "#run", "hx-swap": "innerHTML", "hx-disable": "find [data-run]" };
  return (
    <Form
      view={view}
      id="playground"
      action="/admin/playground/runs"
      multipart
      ownMistakes
      label={playground.title}
      {...htmx}
      {...REFUSALS}
    >
      <Field
        name="prompt"
        label={playground.prompt}
        rows={5}
        value={data.values.prompt}
        required
        maxLength={32_000}
        placeholder={playground.promptPlaceholder}
        data-search
      />
      <div id="playground-settings">
        <PlaygroundSettings view={view} data={data} />
      </div>
      <div class="foot row">
        <Button tone="primary" data-run="">
          {playground.run}
        </Button>
        <kbd class="only-scripted">{playground.runHint}</kbd>
      </div>
    </Form>
  );
}

/** Everything but the prompt. */
export function PlaygroundSettings({ view, data }: { view: View; data: FormData }) {
  const { playground } = view.t;
  const { model, values, offer } = data;
  return (
    <>
      <ModelSelect view={view} data={data} />
      <noscript>
        <Button small formaction="/admin/playground/options">
          {playground.update}
        </Button>
      </noscript>
      {model.kind === "video" && (
        <Select
          name="mode"
          label={playground.mode}
          value={values.mode}
          options={model.modes.map(({ mode }) => ({ value: mode, label: playground.modes[mode] }))}
          {...SETTINGS}
        />
      )}
      {offer.slots.map((rule) => (
        <SlotField key={rule.slot} view={view} rule={rule} media={data.inputs[rule.slot]} />
      ))}
      <div class="settings-grid">
        {"sizes" in offer ? (
          <ImageSettings view={view} data={data} offer={offer} />
        ) : (
          <VideoSettings view={view} data={data} offer={offer} />
        )}
      </div>
    </>
  );
}

function ModelSelect({ view, data: { models, model } }: { view: View; data: FormData }) {
  const { playground } = view.t;
  const groups = [
    { kind: "image", label: playground.images },
    { kind: "video", label: playground.videos },
  ] as const;
  return (
    <div class="field">
      <label for="f-model">{playground.model}</label>
      <select id="f-model" name="model" {...SETTINGS}>
        {groups.map(({ kind, label }) => {
          const own = models.filter((one) => one.kind === kind);
          return (
            own.length > 0 && (
              <optgroup key={kind} label={label}>
                {own.map(({ id, title, deprecated }) => (
                  <option key={id} value={id} selected={id === model.id}>
                    {deprecated ? playground.deprecated(title) : title}
                  </option>
                ))}
              </optgroup>
            )
          );
        })}
      </select>
      <small class="mono">{model.id}</small>
    </div>
  );
}

/** A choice with "the model's choice" first; nothing where there is nothing to choose. */
function Choice(props: {
  view: View;
  name: string;
  label: string;
  value: string;
  values: readonly string[];
  words?: Readonly<Record<string, string>>;
}) {
  const { view, name, label, value, values, words = {} } = props;
  if (values.length === 0) return null;
  const options: Option[] = [
    { value: "", label: view.t.playground.byModel },
    ...values.map((one) => ({ value: one, label: words[one] ?? one })),
  ];
  return <Select name={name} label={label} value={value} options={options} />;
}

function Seed({ view, values }: { view: View; values: PlaygroundForm }) {
  return (
    <Field
      name="seed"
      label={view.t.playground.seed}
      type="number"
      min={0}
      max={2_147_483_647}
      step={1}
      value={values.seed ?? ""}
      placeholder="–"
    />
  );
}

function ImageSettings({ view, data: { values, maxImages }, offer }: { view: View; data: FormData; offer: ImageModel }) {
  const { playground } = view.t;
  return (
    <>
      <Choice view={view} name="aspect" label={playground.aspect} value={values.aspect} values={offer.aspects} />
      <Choice view={view} name="size" label={playground.size} value={values.size} values={offer.sizes} />
      <Choice
        view={view}
        name="thinking"
        label={playground.thinking}
        value={values.thinking}
        values={offer.thinking}
        words={playground.thinkingLevels}
      />
      <Field name="n" label={playground.count} type="number" min={1} max={maxImages} step={1} value={values.n} />
      <Seed view={view} values={values} />
    </>
  );
}

function VideoSettings({ view, data: { values }, offer }: { view: View; data: FormData; offer: ModeChoices }) {
  const { playground } = view.t;
  const { aspects, resolutions, qualities, seconds } = offer;
  return (
    <>
      <Choice view={view} name="aspect" label={playground.aspect} value={values.aspect} values={aspects} />
      <Choice view={view} name="resolution" label={playground.resolution} value={values.resolution} values={resolutions} />
      <Choice
        view={view}
        name="quality"
        label={playground.quality}
        value={values.quality}
        values={qualities}
        words={playground.qualities}
      />
      {seconds?.values && (
        <Choice
          view={view}
          name="seconds"
          label={playground.seconds}
          value={`${values.seconds ?? ""}`}
          values={seconds.values.map(String)}
        />
      )}
      {seconds && !seconds.values && (
        <Field
          name="seconds"
          label={playground.seconds}
          type="number"
          min={seconds.min}
          max={seconds.max}
          step={1}
          value={values.seconds ?? ""}
          placeholder={`${seconds.default}`}
        />
      )}
      <Seed view={view} values={values} />
    </>
  );
}

/** An input slot: by file, dropped, pasted, or from the gallery. */
function SlotField({ view, rule: { slot, min, max }, media }: { view: View; rule: SlotRule; media: readonly Media[] }) {
  const { playground } = view.t;
  const accept = slot === "video" ? "video/mp4,video/webm,video/quicktime" : "image/*";
  return (
    <fieldset class="slot" data-slot={slot} data-max={max} data-full={playground.full}>
      <legend>
        {playground.slots[slot]} <small class="soft">{max > 1 ? playground.upTo(max) : min > 0 ? playground.needed : ""}</small>
      </legend>
      <ul class="references" id={`references-${slot}`}>
        {media.map((one) => (
          <Reference key={one.id} view={view} slot={slot} media={one} />
        ))}
      </ul>
      <div class="row">
        <label class="btn s">
          {playground.file}
          <input class="unseen" type="file" name={`file-${slot}`} multiple={max > 1} accept={accept} data-upload />
        </label>
        <a class="btn s bare" href="/admin/gallery" data-picker={`/admin/playground/picker?slot=${slot}`}>
          {playground.fromGallery}
        </a>
        <small class="soft only-scripted">{playground.drop}</small>
      </div>
    </fieldset>
  );
}

/** One input in its slot. Unchecked it is left out. */
export function Reference({ view, slot, media }: { view: View; slot: Slot; media: ShownMedia }) {
  const { playground, gallery } = view.t;
  return (
    <li class="reference">
      <label>
        <Thumb media={media} label={gallery.one[media.kind]} />
        <input type="checkbox" name={slot} value={media.id} checked aria-label={playground.use} data-reference />
      </label>
    </li>
  );
}

/** What was just sent, for the slots it was sent to. */
export function References({ view, placed }: { view: View; placed: readonly { slot: Slot; media: ShownMedia }[] }) {
  return (
    <>
      {placed.map(({ slot, media }) => (
        <Reference key={media.id} view={view} slot={slot} media={media} />
      ))}
    </>
  );
}

/** What of the gallery can be put in a slot. */
export function Picker({ view, slot, media }: { view: View; slot: Slot; media: readonly Media[] }) {
  const { playground, gallery } = view.t;
  if (media.length === 0) return <p class="soft">{playground.pickNothing}</p>;
  return (
    <ul class="strip picker">
      {media.map((one) => (
        <li key={one.id}>
          <button type="button" data-pick={one.id} data-to={slot} aria-label={gallery.describe(gallery.one[one.kind], one.family ?? "")}>
            <Thumb media={one} label="" />
          </button>
        </li>
      ))}
    </ul>
  );
}
