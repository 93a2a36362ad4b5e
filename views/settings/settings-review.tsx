// Review of changed settings before they are saved.

import type { SettingDifference } from "../../src/gateway/settings/manage-settings.ts";
import { Badge, Button, LinkButton } from "../ui/controls.tsx";
import { Form } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

type ReviewProps = { view: View; differences: readonly SettingDifference[]; changes: Readonly<Record<string, unknown>>; revision: number };

/** Old and new side by side; nothing is changed until it is sent. */
export function ReviewPage({ view, differences, changes, revision }: ReviewProps) {
  const { settings } = view.t;
  const columns = [
    { key: "setting", label: settings.setting },
    { key: "before", label: settings.before },
    { key: "after", label: settings.after },
  ];
  return (
    <>
      <PageHead up={{ href: "/admin/settings", label: settings.title }} title={settings.reviewTitle} about={settings.reviewAbout} />
      <Form view={view} action="/admin/settings/apply" label={settings.reviewTitle}>
        <input type="hidden" name="revision" value={revision} />
        {Object.entries(changes).map(([key, value]) => (
          <input key={key} type="hidden" name={`set.${key}`} value={JSON.stringify(value)} />
        ))}
        <Table view={view} label={settings.reviewTitle} columns={columns}>
          {differences.map(({ key, description, before, after, resets }) => (
            <Row key={key} view={view} id={`change-${key}`}>
              <Cell label={settings.setting}>
                <div class="lines">
                  {settings.describe(key, description)}
                  <small class="soft mono">{key}</small>
                </div>
              </Cell>
              <Cell label={settings.before}>
                <del class="mono">{before}</del>
              </Cell>
              <Cell label={settings.after}>
                <ins class="mono">{after}</ins> {resets && <Badge tone="off">{settings.reset}</Badge>}
              </Cell>
            </Row>
          ))}
        </Table>
        <div class="foot">
          <Button tone="primary" data-focus>
            {settings.apply(differences.length)}
          </Button>
          <LinkButton href="/admin/settings">{settings.back}</LinkButton>
        </div>
      </Form>
    </>
  );
}
