// What all ways to sign in share: the login page, waiting, the step to the code, the session at the end.
import { LoginPage, type LoginProblem } from "../../../views/auth/login.tsx";
import { type AccountRow, FIRST_ACCOUNT } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
import type { SignInWay } from "../../gateway/auth/sign-in.ts";
import type { AdminContext } from "../context.ts";
import { page } from "../page.ts";

/** `Set-Cookie` that lets an account, whose password was right, go on to the code. */
export function writeCodeStep(ctx: AdminContext, account: AccountRow, next: string, secure: boolean): Promise<string> {
  return ctx.cookie.writeStep("code", { account: account.id, password: markOf(account), next }, secure);
}

/** Changes with the password: a step that waits is over then. */
export const markOf = ({ passwordHash }: AccountRow) => Bun.hash(passwordHash ?? "").toString(36);

type LoginState = { next?: string; name?: string; problem?: LoginProblem };

/** The login page; with a problem, its status says which. */
export async function loginPage(ctx: AdminContext, request: Request, state: LoginState): Promise<Response> {
  const { next = "/admin", name = "admin", problem = null } = state;
  const first = await ctx.store.getAccount(FIRST_ACCOUNT);
  return page(ctx, request, (view) => ({
    title: view.t.login.title,
    nav: null,
    status: problem ? STATUS[problem.kind] : 200,
    headers: waitHeaders(problem),
    body: LoginPage({
      ...{ view, next, name, problem, isFirst: first?.passwordTemporary === true },
      byPassword: ctx.config.settings.sign_in.password,
      sso: ctx.oidc.isOn() ? ctx.config.settings.sign_in.oidc_name : null,
    }),
  }));
}

const STATUS = { wrong: 401, wait: 429, over: 401, ended: 200, sso: 403 } as const satisfies Record<LoginProblem["kind"], number>;

export const waitHeaders = (problem: LoginProblem | null): Record<string, string> | undefined =>
  problem?.kind === "wait" ? { "retry-after": `${Math.ceil(problem.ms / 1000)}` } : undefined;

/** A try of a login; one that comes too early as the problem to show. */
export async function attempt<R>(run: () => Promise<R>): Promise<R | (LoginProblem & { kind: "wait" })> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof AppError) || !error.retryAfterMs) throw error;
    return { kind: "wait", ms: error.retryAfterMs };
  }
}

/** Opens a session, never under the id that the browser came with. Resolves with the cookies of the response. */
export async function openSession(ctx: AdminContext, request: Request, account: AccountRow, way: SignInWay): Promise<string[]> {
  const { address, secure, sessionId } = ctx.sessionContextOf(request);
  const agent = request.headers.get("user-agent") ?? "";
  const { id } = await ctx.signIn.open(account, { address, agent, way }, sessionId);
  const session = await ctx.cookie.write(id, secure);
  // Only who has a password here can be kept out by those who guess it.
  return account.source === "password" ? [session, await ctx.cookie.writeDevice(request.headers, account.subject, secure)] : [session];
}
