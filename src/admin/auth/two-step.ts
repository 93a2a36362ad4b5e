// Two-step sign-in of the own account: turn on, new recovery codes, turn off.
import { Elysia } from "elysia";
import { encode } from "uqr";
import { RecoveryCodesPage, TwoStepPage, type TwoStepSetup } from "../../../views/auth/two-step.tsx";
import { AppError } from "../../errors.ts";
import { disableTotp, enableTotp, renewRecoveryCodes } from "../../gateway/auth/accounts.ts";
import { newTotpSecret, totpAddress } from "../../gateway/auth/totp.ts";
import type { AdminContext } from "../context.ts";
import { formStateOf } from "../form-state.ts";
import { FormError, type Wrong } from "../forms.ts";
import { goTo, page, readForm, viewOf } from "../page.ts";
import { checkCurrentPassword, sessionOf } from "./account.ts";

/** With a blank in the middle and some around it. */
const MAX_CODE = 10;
const BASE32 = /^[A-Z2-7]{32}$/;

export const twoStepRoutes = (ctx: AdminContext) => {
  const deps = { ...ctx, now: ctx.clock.now };
  const own = (request: Request) => {
    const { account } = sessionOf(ctx, request);
    if (account.source !== "password")
      throw new AppError("conflict", "This account comes from single sign-on: its second step is set there.");
    return account;
  };
  const showPage = (request: Request, setup: TwoStepSetup | null, wrong: Wrong = {}) =>
    page(ctx, request, (view) => ({
      title: view.t.account.twoStep.title,
      nav: "account",
      status: Object.keys(wrong).length > 0 ? 422 : 200,
      body: TwoStepPage({ view, setup, wrong, left: sessionOf(ctx, request).account.recoveryHashes.length }),
    }));
  const showCodes = (request: Request, codes: readonly string[]) =>
    page(ctx, request, (view) => ({
      title: view.t.account.twoStep.codesTitle,
      nav: "account",
      body: RecoveryCodesPage({ view, codes }),
    }));

  return new Elysia({ prefix: "/account/two-step" })
    .get("/", ({ request }) => {
      const account = own(request);
      if (account.totpSecret !== null) return showPage(request, null);
      // The same secret again where the form was refused, so that the app need not be set up twice.
      const typed = formStateOf(request)?.values.get("secret") ?? "";
      return showPage(request, setupOf(BASE32.test(typed) ? typed : newTotpSecret(), account.name));
    })
    .post("/", async ({ request }) => {
      const account = own(request);
      if (account.totpSecret !== null) throw new AppError("conflict", "Two-step sign-in is on already.");
      const form = await readForm(ctx, request);
      const secret = form.text("secret", { required: true, pattern: BASE32 });
      const code = form.text("code", { required: true, max: MAX_CODE });
      await checkCurrentPassword(ctx, request, form, "current");
      form.check();
      const { sessionId: session, ...by } = ctx.sessionContextOf(request);
      const codes = await enableTotp(deps, account, { secret, code, session }, by);
      if (!codes) {
        form.refuse("code", viewOf(ctx, request).t.account.twoStep.wrongCode);
        form.check();
        return showPage(request, null);
      }
      return showCodes(request, codes);
    })
    .post("/codes", async ({ request }) => {
      const account = own(request);
      if (account.totpSecret === null) throw new AppError("conflict", "Two-step sign-in is off.");
      const wrong = await passwordMistake(ctx, request);
      if (wrong) return showPage(request, null, wrong);
      return showCodes(request, await renewRecoveryCodes(deps, account, ctx.sessionContextOf(request)));
    })
    .post("/off", async ({ request }) => {
      const account = own(request);
      const wrong = await passwordMistake(ctx, request);
      if (wrong) return showPage(request, null, wrong);
      await disableTotp(deps, account, ctx.sessionContextOf(request));
      return goTo(ctx, request, "/admin/account", { text: viewOf(ctx, request).t.account.twoStep.isOff });
    });
};

/** What the page of a fresh secret shows: the secret, and the same as a QR code, row by row. */
function setupOf(secret: string, account: string): TwoStepSetup {
  const { data, size } = encode(totpAddress(secret, account), { border: 0, ecc: "M" });
  return { secret, modules: data, size };
}

async function passwordMistake(ctx: AdminContext, request: Request): Promise<Wrong | null> {
  const form = await readForm(ctx, request);
  await checkCurrentPassword(ctx, request, form, "current");
  return wrongOf(() => form.check());
}

function wrongOf(check: () => void): Wrong | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof FormError) return error.wrong;
    throw error;
  }
}
