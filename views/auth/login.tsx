// Login page.
import { Button, LinkButton } from "../ui/controls.tsx";
import { Field } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { formatDuration } from "../ui/format.ts";
import { Hint } from "../ui/messages.tsx";
import type { View } from "../ui/view.ts";

export type LoginProblem =
  | { kind: "wrong" }
  | { kind: "wait"; ms: number }
  /** A step of the sign-in came too late. */
  | { kind: "over" }
  /** The session ended while a page was open. */
  | { kind: "ended" }
  /** Single sign-on knows the person, and no list here does. */
  | { kind: "sso"; subject: string };

type LoginProps = {
  view: View;
  next: string;
  name: string;
  /** The one-time password of the first start is in force. */
  isFirst: boolean;
  byPassword: boolean;
  /** What the button of the single sign-on says; null: there is none. */
  sso: string | null;
  problem: LoginProblem | null;
};

export function LoginPage({ view, next, name, isFirst, byPassword, sso, problem }: LoginProps) {
  const { login } = view.t;
  return (
    <div class="narrow flow">
      <Brand view={view} />
      {isFirst && byPassword && <Hint>{login.firstTime}</Hint>}
      {problem && isOfPage(problem) && (
        <div role="alert">
          <Hint>{sayOfPage(view, problem)}</Hint>
        </div>
      )}
      {sso !== null && (
        <p>
          <LinkButton href={`/admin/login/oidc?next=${encodeURIComponent(next)}`} tone={byPassword ? "plain" : "primary"}>
            {sso}
          </LinkButton>
        </p>
      )}
      {byPassword && (
        <Form view={view} action="/admin/login" class="box">
          <input type="hidden" name="next" value={next} />
          <Field name="username" label={login.username} autocomplete="username" value={name} maxLength={64} />
          <Field
            name="password"
            label={login.password}
            type="password"
            autocomplete="current-password"
            required
            error={problem && (problem.kind === "wrong" || problem.kind === "wait") ? say(view, problem) : undefined}
            data-focus
          />
          <div class="foot">
            <Button tone="primary">{login.submit}</Button>
          </div>
        </Form>
      )}
      {byPassword && (
        <p class="soft">
          {login.forgotten} <code>flow2api admin password</code>
        </p>
      )}
    </div>
  );
}

type PageProblem = Extract<LoginProblem, { kind: "over" | "ended" | "sso" }>;

/** What concerns no field. */
const isOfPage = (problem: LoginProblem): problem is PageProblem => problem.kind !== "wrong" && problem.kind !== "wait";

function sayOfPage({ t: { login, errors } }: View, problem: PageProblem): string {
  if (problem.kind === "sso") return login.unlisted(problem.subject);
  return problem.kind === "over" ? login.over : errors.sessionOver;
}

/** Shown for the moment in which the browser goes on from the provider's site to ours. */
export function SsoArrivedPage({ view, next }: { view: View; next: string }) {
  return (
    <div class="narrow flow">
      <Brand view={view} />
      <p>
        <a href={next}>{view.t.login.goOn}</a>
      </p>
    </div>
  );
}

export const Brand = ({ view }: { view: View }) => (
  <h1>
    <img src={view.assets["icon.svg"]} alt="" width="26" height="26" />
    {view.t.shell.product}
  </h1>
);

export const waitText = ({ t }: View, ms: number) => t.login.wait(formatDuration(Math.max(1000, Math.ceil(ms / 1000) * 1000)));

const say = (view: View, problem: LoginProblem & { kind: "wrong" | "wait" }) =>
  problem.kind === "wrong" ? view.t.login.wrong : waitText(view, problem.ms);
