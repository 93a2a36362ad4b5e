// Token row of the list while it is edited.
import type { TokenItem } from "../../src/gateway/tokens/list-tokens.ts";
import { Button, LinkButton } from "../ui/controls.tsx";
import { Tiny, TinyToggle } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import type { View } from "../ui/view.ts";
import { tokenHref } from "./token-fields.tsx";
import { rowId, tokenColumns } from "./token-row.tsx";

/** The row while it is edited, which live updates leave alone: answer to GET /admin/tokens/:id/edit. */
export function TokenRowEdit({ view, item: { row } }: { view: View; item: TokenItem }) {
  const { tokens, controls } = view.t;
  const { fields } = tokens;
  const target = `#${rowId(row.id)}`;
  return (
    <tr id={rowId(row.id)} data-row tabIndex={-1} hx-morph-skip="">
      <td colSpan={tokenColumns(view).length + 1}>
        <Form
          view={{ ...view, path: tokenHref(row.id, "/edit") }}
          action={tokenHref(row.id, "/row")}
          class="edit-row"
          hx-post={tokenHref(row.id, "/row")}
          hx-target={target}
          hx-swap="outerHTML"
        >
          <Tiny label={fields.label} name="label" value={row.label} required maxLength={100} />
          <Tiny label={fields.group} name="group" value={row.group ?? ""} list="token-groups" maxLength={100} />
          <Tiny label={fields.note} name="note" value={row.note} maxLength={2000} wide />
          <Tiny
            label={fields.imageConcurrency}
            name="image_concurrency"
            type="number"
            min={-1}
            max={1000}
            value={row.imageConcurrency}
            required
          />
          <Tiny
            label={fields.videoConcurrency}
            name="video_concurrency"
            type="number"
            min={-1}
            max={1000}
            value={row.videoConcurrency}
            required
          />
          <Tiny label={fields.weight} name="weight" type="number" min={0} step="any" value={row.weight} required />
          <Tiny label={fields.priority} name="priority" type="number" min={-1000} max={1000} value={row.priority} required />
          <TinyToggle label={fields.enabled} name="enabled" on={row.enabled} />
          <TinyToggle label={fields.imageEnabled} name="image_enabled" on={row.imageEnabled} />
          <TinyToggle label={fields.videoEnabled} name="video_enabled" on={row.videoEnabled} />
          <div class="row">
            <Button tone="primary" small>
              {controls.save}
            </Button>
            <LinkButton href="/admin/tokens" small hx-get={tokenHref(row.id, "/row")} hx-target={target} hx-swap="outerHTML">
              {controls.cancel}
            </LinkButton>
          </div>
        </Form>
      </td>
    </tr>
  );
}
