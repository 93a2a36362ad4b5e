// API reference page: routes by dialect, their fields, and a call to copy.
import type { ApiRoute, DialectDescription } from "../src/gateway/reports/api-reference.ts";
import { Badge, type BadgeTone, Card, CodeBlock, CopyButton, LinkButton, Tabs } from "./ui/controls.tsx";
import { PageHead } from "./ui/layout.tsx";
import { Cell, Table } from "./ui/table.tsx";
import type { View } from "./ui/view.ts";

type ApiProps = {
  view: View;
  surfaces: readonly DialectDescription[];
  /** Name of the dialect to show. */
  current: string;
  /** Scheme and host of this server. */
  origin: string;
};

export function ApiPage({ view, surfaces, current, origin }: ApiProps) {
  const { api } = view.t;
  const shown = surfaces.find(({ name }) => name === current) ?? surfaces[0];
  const nameOf = (name: string) => api.surfaces[name] ?? name;
  return (
    <>
      <PageHead
        title={api.title}
        about={api.about}
        actions={
          <>
            <LinkButton href="/openapi.json">{api.document}</LinkButton>
            <LinkButton href="/admin/api/v1/openapi.json">{api.adminDocument}</LinkButton>
          </>
        }
      />
      <Card title={api.base}>
        <dl class="facts">
          <dt>{api.baseOpenAi}</dt>
          <dd class="row">
            <code id="base-openai">{origin}/v1</code>
            <CopyButton view={view} from="#base-openai" />
          </dd>
          <dt>{api.baseGemini}</dt>
          <dd class="row">
            <code id="base-gemini">{origin}</code>
            <CopyButton view={view} from="#base-gemini" />
          </dd>
        </dl>
        <p class="soft hint-after">
          {api.keyHint} <code>export FLOW2API_KEY=sk-f2a-…</code> <a href="/admin/keys">{api.makeKey}</a>
        </p>
      </Card>
      <div class="api-tabs">
        <Tabs
          label={api.title}
          tabs={surfaces.map(({ name, routes }) => ({
            href: `/admin/api?surface=${encodeURIComponent(name)}`,
            label: nameOf(name),
            current: name === shown?.name,
            count: String(routes.length),
          }))}
        />
      </div>
      {shown && (
        <section aria-label={nameOf(shown.name)}>
          {shown.routes.map((route, index) => (
            <Route key={route.id} view={view} route={route} open={index === 0 && route.fields.length > 0} />
          ))}
        </section>
      )}
    </>
  );
}

const METHOD_TONES: Record<string, BadgeTone> = { GET: "busy", POST: "ok", DELETE: "bad" };

function Route({ view, route, open }: { view: View; route: ApiRoute; open: boolean }) {
  const { api } = view.t;
  const { id, method, path, summary, parameters, fields, curl, playground } = route;
  return (
    <details class="api-route" id={id} open={open}>
      <summary data-row>
        <Badge tone={METHOD_TONES[method] ?? "off"}>{method}</Badge> <code>{path}</code> <span class="soft">{api.describe(summary)}</span>
      </summary>
      <div class="api-body flow">
        {curl && (
          <div>
            <div class="row api-call">
              <h3>{api.example}</h3>
              <CopyButton view={view} from={`#curl-${id}`} />
              {playground && (
                <LinkButton href="/admin/playground" small>
                  {api.tryIt}
                </LinkButton>
              )}
            </div>
            <CodeBlock id={`curl-${id}`} text={curl} />
          </div>
        )}
        {parameters.length > 0 && (
          <p>
            {api.parameters}:{" "}
            {parameters.map((name) => (
              <>
                <code key={name}>{name}</code>{" "}
              </>
            ))}
          </p>
        )}
        {fields.length > 0 && <Fields view={view} route={route} />}
      </div>
    </details>
  );
}

function Fields({ view, route: { id, summary, fields } }: { view: View; route: ApiRoute }) {
  const { api } = view.t;
  const columns = [
    { key: "field", label: api.field },
    { key: "type", label: api.type },
    { key: "meaning", label: api.meaning },
  ];
  return (
    <Table view={view} label={api.describe(summary)} columns={columns}>
      {fields.map(({ name, type, required, description }) => (
        <tr key={name} id={`${id}-${name}`}>
          <Cell label={api.field}>
            <code>{name}</code> {required && <Badge tone="warn">{api.required}</Badge>}
          </Cell>
          <Cell label={api.type}>
            <span class="mono">{type}</span>
          </Cell>
          <Cell label={api.meaning}>{api.describe(description)}</Cell>
        </tr>
      ))}
    </Table>
  );
}
