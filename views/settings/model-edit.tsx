// Pages to add, edit and import models, with the differences before they are taken, and what needs attention.

import type { ModelDifference, OriginField } from "../../src/gateway/models/catalogue/differences.ts";
import type { LayerProblems } from "../../src/gateway/models/catalogue/layers.ts";
import type { ModelView, Retirement } from "../../src/gateway/models/list-models.ts";
import { Badge, Button, Card, EmptyState, LinkButton } from "../ui/controls.tsx";
import { Field } from "../ui/fields.tsx";
import { ActionButton, Form } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import { Hint } from "../ui/messages.tsx";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

const ROWS = 24;

type EditProps = { view: View; text: string /** Null: a new model. */; model: ModelView | null; fields: readonly OriginField[] };

export function ModelEditPage({ view, text, model, fields }: EditProps) {
  const { models: t, controls } = view.t;
  const path = model ? `/admin/models/${encodeURIComponent(model.family.id)}` : "/admin/models";
  return (
    <>
      <PageHead
        up={{ href: path, label: model ? model.family.title : t.allModels }}
        title={model ? t.editTitle(model.family.title) : t.addTitle}
        about={model ? t.editAbout : t.addAbout}
      />
      <div class="columns">
        <Form view={view} action={model ? `${path}/edit` : "/admin/models/new"} class="box toml" label={t.text}>
          <Field name="text" label={t.text} hint={t.textHint} rows={ROWS} value={text} />
          <div class="foot">
            <Button tone="primary">{controls.save}</Button>
            <LinkButton href={path}>{controls.cancel}</LinkButton>
          </div>
        </Form>
        {model && (
          <Card title={t.effective}>
            <p class="soft">{t.effectiveAbout}</p>
            <FieldTable view={view} label={t.effective} fields={fields} />
          </Card>
        )}
      </div>
    </>
  );
}

/** Every field with its value and the layer that it comes from. */
function FieldTable({ view, label, fields }: { view: View; label: string; fields: readonly OriginField[] }) {
  const { models: t } = view.t;
  const columns = [
    { key: "field", label: t.field },
    { key: "value", label: t.value },
    { key: "origin", label: t.from },
  ];
  return (
    <Table view={view} label={label} columns={columns}>
      {fields.map(({ path, value, origin }) => (
        <Row key={path} view={view} id={`field-${path}`.replace(/[^\w-]/g, "-")}>
          <Cell label={t.field}>
            <code>{path}</code>
          </Cell>
          <Cell label={t.value}>
            <code>{value}</code>
          </Cell>
          <Cell label={t.from}>{origin === "built-in" ? t.origin[origin] : <Badge tone="busy">{t.origin[origin]}</Badge>}</Cell>
        </Row>
      ))}
    </Table>
  );
}

export function ModelImportPage({ view }: { view: View }) {
  const { models: t } = view.t;
  return (
    <>
      <PageHead up={{ href: "/admin/models", label: t.allModels }} title={t.importTitle} about={t.importAbout} />
      <Form view={view} action="/admin/models/import" multipart class="box toml" label={t.importTitle}>
        <Field name="text" label={t.text} rows={ROWS} value="" />
        <Field name="file" label={t.file} type="file" accept=".toml,text/*" />
        <div class="foot">
          <Button tone="primary">{t.showDifferences}</Button>
        </div>
      </Form>
    </>
  );
}

/** What an import would change, and the button that takes it. */
export function ModelDifferencesPage({ view, text, differences }: { view: View; text: string; differences: readonly ModelDifference[] }) {
  const { models: t, controls } = view.t;
  return (
    <>
      <PageHead up={{ href: "/admin/models/import", label: t.importTitle }} title={t.differencesTitle} about={t.differencesAbout} />
      {differences.length === 0 ? (
        <EmptyState title={t.noDifference} action={<LinkButton href="/admin/models">{t.allModels}</LinkButton>} />
      ) : (
        <Form view={view} action="/admin/models/import/apply" label={t.differencesTitle}>
          <input type="hidden" name="text" value={text} />
          {differences.map((difference) => (
            <Difference key={`${difference.what} ${difference.id}`} view={view} difference={difference} />
          ))}
          <div class="settings-foot">
            <Button tone="primary">{t.take}</Button>
            <LinkButton href="/admin/models">{controls.cancel}</LinkButton>
          </div>
        </Form>
      )}
    </>
  );
}

function Difference({ view, difference: { id, what, change, fields } }: { view: View; difference: ModelDifference }) {
  const { models: t } = view.t;
  const columns = [
    { key: "field", label: t.field },
    { key: "before", label: t.before },
    { key: "after", label: t.after },
  ];
  const title = (
    <>
      <code>{id}</code> <Badge tone={change === "removed" ? "bad" : "busy"}>{t.change[change]}</Badge> {what === "alias" && t.aliases}
    </>
  );
  return (
    <Card title={title}>
      <Table view={view} label={id} columns={columns}>
        {fields.map(({ path, before, after }) => (
          <Row key={path} view={view} id={`${id}-${path}`.replace(/[^\w-]/g, "-")}>
            <Cell label={t.field}>
              <code>{path}</code>
            </Cell>
            <Cell label={t.before}>
              <span class="mono">{before ?? "–"}</span>
            </Cell>
            <Cell label={t.after}>
              <span class="mono">{after ?? "–"}</span>
            </Cell>
          </Row>
        ))}
      </Table>
    </Card>
  );
}

type NoticeProps = {
  view: View;
  problems: LayerProblems;
  retirements: readonly Retirement[];
  /** Whether the last change of the settings was one of models. */
  canUndo: boolean;
};

/** Above the lists: what is wrong in a layer, what retires soon, and the tools. */
export function ModelNotices({ view, problems, retirements, canUndo }: NoticeProps) {
  const { models: t, settings } = view.t;
  return (
    <>
      <div class="row setting-tools">
        <LinkButton href="/admin/models/new" tone="primary">
          {t.add}
        </LinkButton>
        <LinkButton href="/admin/models/import">{t.importFile}</LinkButton>
        {canUndo && (
          <ActionButton view={view} action="/admin/models/undo">
            {settings.undo}
          </ActionButton>
        )}
      </div>
      {problems.file && (
        <Hint tone="warn">
          {t.fileWrong} <code>{problems.file}</code>
        </Hint>
      )}
      {problems.admin && (
        <Hint tone="warn">
          {t.changesWrong} <code>{problems.admin}</code>
        </Hint>
      )}
      {retirements.map(({ family, title, provider, day, daysLeft }) => (
        <Hint key={`${family} ${provider}`} tone="warn">
          <a href={`/admin/models/${encodeURIComponent(family)}`}>{title}</a>: {t.retires(provider, day, daysLeft)}
        </Hint>
      ))}
    </>
  );
}
