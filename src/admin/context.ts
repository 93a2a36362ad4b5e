// Admin context: dependencies of the admin's pages, and the context of one request.

import type { AssetUrls } from "../../views/ui/view.ts";
import type { BodyReader } from "../api/body/body.ts";
import type { Context } from "../context.ts";
import type { UndoLog } from "../gateway/audit/undo.ts";
import type { Session } from "../gateway/auth/sessions.ts";
import type { ApiDocument } from "../gateway/reports/api-reference.ts";
import type { SessionCookie } from "./auth/session-cookie.ts";
import type { Forms } from "./forms.ts";
import type { Notices } from "./notices.ts";

/** Session, address and form token of one request, as the guard found them. */
export type SessionContext = {
  /** Null on the pages that are open to all: login and its like. */
  session: Session | null;
  sessionId: string | null;
  address: string | null;
  /** Who acts, as the audit log names them. */
  actor: string;
  /** The connection is encrypted, as far as we can know. */
  secure: boolean;
  /** A change whose form token did not come in the header: it has to be in the form. */
  owesToken: boolean;
};

/** Everything of the program, and what only the admin has. Pages take what they need of it. */
export type AdminContext = Context & {
  bodies: BodyReader;
  forms: Forms;
  notices: Notices;
  cookie: SessionCookie;
  assets: AssetUrls;
  /** @throws when the guard has not seen the request */
  sessionContextOf(request: Request): SessionContext;
  /** Scheme and host at which this request reached us, for links and client settings. */
  originOf(request: Request): string;
  /** Aborts as soon as the server is told to stop: responses without an end of their own end here. */
  stopping: AbortSignal;
  /** What to say of a reverse proxy that the settings do not name; null: there is none. */
  proxyHint(): string | null;
  /** What `GET /openapi.json` answers. */
  apiDocument(): Promise<ApiDocument>;
  /** What the last actions replaced, for ten minutes. */
  undo: UndoLog;
  /** Takes what was just written to the store (tokens, keys, settings) into memory: the next request sees it. */
  refresh(): Promise<void>;
};
