// Setup pages: password, first key, first token, first image, with the progress of the steps.
import type { ComponentChildren } from "preact";
import { Button, Card, CodeBlock, CopyButton, LinkButton } from "../ui/controls.tsx";
import { Field, Select } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { formatDuration } from "../ui/format.ts";
import { ErrorAlert, Hint } from "../ui/messages.tsx";
import type { View } from "../ui/view.ts";

export type StepName = keyof View["t"]["welcome"]["steps"];

type FrameProps = { view: View; step: StepName; children: ComponentChildren };

function Step({ view, step, children }: FrameProps) {
  const { welcome } = view.t;
  const names = Object.keys(welcome.steps) as StepName[];
  return (
    <div class="medium">
      <ol class="steps">
        {names.map((name) => (
          <li
            key={name}
            class={names.indexOf(name) < names.indexOf(step) ? "done" : undefined}
            aria-current={name === step ? "step" : undefined}
          >
            {welcome.steps[name]}
          </li>
        ))}
      </ol>
      <div class="flow">
        <div>
          <h1>{welcome[step].title}</h1>
          <p class="soft">{welcome[step].about}</p>
        </div>
        {children}
      </div>
      {step !== "password" && (
        <Form view={view} action="/admin/welcome/leave" class="step-leave">
          <Button tone="quiet" small>
            {welcome.skip}
          </Button>
        </Form>
      )}
    </div>
  );
}

export type Problem = { message: string; wrong?: Readonly<Record<string, string>> } | null;
const Alert = ({ view, problem }: { view: View; problem: Problem }) => (problem ? <ErrorAlert view={view} {...problem} /> : null);

export function PasswordStep({ view, problem }: { view: View; problem: Problem }) {
  const { welcome, account } = view.t;
  return (
    <Step view={view} step="password">
      <Alert view={view} problem={problem} />
      <Form view={view} action="/admin/welcome/password" class="box">
        <Field
          name="password"
          label={account.fresh}
          hint={account.hint}
          type="password"
          autocomplete="new-password"
          minLength={10}
          required
          data-focus
        />
        <Field name="again" label={account.again} type="password" autocomplete="new-password" minLength={10} required />
        <div class="foot">
          <Button tone="primary">{welcome.password.submit}</Button>
        </div>
      </Form>
    </Step>
  );
}

/** `made`: the key, this once; and where clients find us. */
export function KeyStep({ view, existing, made, origin }: { view: View; existing: number; made: string | null; origin: string }) {
  const { key, goOn } = view.t.welcome;
  if (made) {
    return (
      <Step view={view} step="key">
        <Hint tone="ok">{key.shown}</Hint>
        <div class="box">
          <div class="row">
            <code id="made-key" class="grow">
              {made}
            </code>
            <CopyButton view={view} from="#made-key" tone="primary" />
          </div>
        </div>
        <ClientSettings view={view} origin={origin} secret={made} />
        <LinkButton href="/admin/welcome/token" tone="primary">
          {goOn}
        </LinkButton>
      </Step>
    );
  }
  return (
    <Step view={view} step="key">
      {existing > 0 && <Hint>{key.existing(existing)}</Hint>}
      <Form view={view} action="/admin/welcome/key" class="box">
        <Field name="name" label={key.name} value={key.example} maxLength={100} required data-focus />
        <div class="foot">
          <Button tone="primary">{key.submit}</Button>
          {existing > 0 && <LinkButton href="/admin/welcome/token">{key.useExisting}</LinkButton>}
        </div>
      </Form>
    </Step>
  );
}

/** What to paste into a client or a terminal, with the key in it. */
export function ClientSettings({ view, origin, secret }: { view: View; origin: string; secret: string }) {
  const { key } = view.t.welcome;
  return (
    <>
      <Card title={key.settings} actions={<CopyButton view={view} from="#client-settings" />}>
        <CodeBlock id="client-settings" text={`OPENAI_BASE_URL=${origin}/v1\nOPENAI_API_KEY=${secret}`} />
      </Card>
      <Card title={key.curl} actions={<CopyButton view={view} from="#client-curl" />}>
        <CodeBlock id="client-curl" text={curlText(origin, secret)} />
      </Card>
    </>
  );
}

const curlText = (origin: string, secret: string): string =>
  `curl ${origin}/v1/images/generations \\\n  -H "Authorization: Bearer ${secret}" -H "Content-Type: application/json" \\\n  -d '{"model":"gemini-nano-banana-2.1","prompt":"A red fox in morning fog"}'`;

/** In place of the figures while there is nothing to count: three steps to the first image. */
export function ThreeSteps({ view, origin }: { view: View; origin: string }) {
  const { start } = view.t.welcome;
  return (
    <div class="flow" id="three-steps">
      <Card
        title={start.token}
        actions={
          <LinkButton href="/admin/welcome/token" tone="primary">
            {start.tokenWay}
          </LinkButton>
        }
      >
        <p>{start.tokenAbout}</p>
        <SecretHelp view={view} />
      </Card>
      <Card title={start.key} actions={<LinkButton href="/admin/welcome/key">{start.keyWay}</LinkButton>}>
        <p>{start.keyAbout}</p>
      </Card>
      <h2>{start.client}</h2>
      <ClientSettings view={view} origin={origin} secret="YOUR_KEY" />
    </div>
  );
}

/** Where the secrets of the upstreams are found, and what they cost. */
export function SecretHelp({ view }: { view: View }) {
  const { help } = view.t.welcome;
  return (
    <ul class="soft">
      <li class="prose">
        {help.gemini} <RequestHead href="https://aistudio.google.com/apikey">{help.geminiLink}</RequestHead>. {help.billing}
      </li>
      <li class="prose">
        {help.vertex}{" "}
        <RequestHead href="https://console.cloud.google.com/iam-admin/serviceaccounts">
          console.cloud.google.com/iam-admin/serviceaccounts
        </RequestHead>
        .
      </li>
      <li class="prose">
        {help.flow} <RequestHead href="https://labs.google/fx/tools/flow">labs.google/fx/tools/flow</RequestHead>. {help.flowCookie}{" "}
        <code>__Secure-next-auth.session-token</code>
      </li>
    </ul>
  );
}

const RequestHead = ({ href, children }: { href: string; children: ComponentChildren }) => (
  <a href={href} target="_blank" rel="noopener noreferrer">
    {children}
  </a>
);

type TokenStepProps = { view: View; existing: number; providers: readonly string[]; chosen?: string; label?: string; problem: Problem };

export function TokenStep({ view, existing, providers, chosen, label, problem }: TokenStepProps) {
  const { token, goOn } = view.t.welcome;
  const options = providers.map((name) => ({ value: name, label: token.providers[name] ?? name }));
  return (
    <Step view={view} step="token">
      <Alert view={view} problem={problem} />
      {existing > 0 && (
        <Hint>
          {token.existing(existing)} <a href="/admin/welcome/picture">{goOn}</a>
        </Hint>
      )}
      <SecretHelp view={view} />
      <Form view={view} action="/admin/welcome/token" class="box">
        <Select name="provider" label={token.provider} options={options} value={chosen} />
        <Field
          name="secret"
          label={token.secret}
          hint={token.secretHint}
          type="password"
          autocomplete="off"
          maxLength={20000}
          required
          data-focus
        />
        <Field name="label" label={token.label} hint={token.labelHint} value={label} maxLength={100} />
        <div class="foot">
          <Button tone="primary">{token.submit}</Button>
        </div>
      </Form>
      <p class="soft">
        {token.without} <code>flow2api demo --port 8001</code>
      </p>
    </Step>
  );
}

/** An image that was made: its address, how long it took (ms), which token made it. */
export type MadeImage = { src: string; ms: number; label: string; prompt: string };

export function ImageStep({ view, canMake, simulated }: { view: View; canMake: boolean; simulated: boolean }) {
  const { picture } = view.t.welcome;
  return (
    <Step view={view} step="picture">
      {canMake ? (
        <>
          <Form
            view={view}
            action="/admin/welcome/picture"
            class="box"
            hx-post="/admin/welcome/picture"
            hx-target="#picture"
            hx-swap="innerHTML"
            {...{ "hx-status:422": "target:#main swap:innerHTML" }}
            {...{ "hx-status:4xx": "target:#picture swap:innerHTML", "hx-status:5xx": "target:#picture swap:innerHTML" }}
            hx-disable="find button"
            hx-indicator="#picture-working"
            hx-config="timeout:600000"
          >
            <Field
              name="prompt"
              label={picture.prompt}
              value={picture.example}
              rows={2}
              maxLength={4000}
              hint={simulated ? undefined : picture.cost}
            />
            <div class="foot">
              <Button tone="primary">{picture.submit}</Button>
              <span id="picture-working" class="htmx-indicator soft" role="status">
                {picture.working}
              </span>
            </div>
          </Form>
          <div id="picture" aria-live="polite" />
        </>
      ) : (
        <Hint tone="warn">
          {picture.noToken} <a href="/admin/welcome/token">{view.t.welcome.token.title}</a>
        </Hint>
      )}
    </Step>
  );
}

export function ImageFigure({ view, made }: { view: View; made: MadeImage }) {
  const { picture } = view.t.welcome;
  return (
    <figure class="made box">
      <img src={made.src} alt={made.prompt} />
      <figcaption class="row">
        <span class="grow soft">{picture.made(formatDuration(made.ms), made.label)}</span>
        <LinkButton href="/admin" tone="primary">
          {picture.finish}
        </LinkButton>
      </figcaption>
    </figure>
  );
}

/** Without JavaScript: the image as a page. */
export function ImagePage({ view, made }: { view: View; made: MadeImage }) {
  return (
    <Step view={view} step="picture">
      <ImageFigure view={view} made={made} />
      <a href="/admin/welcome/picture">{view.t.welcome.picture.again}</a>
    </Step>
  );
}
