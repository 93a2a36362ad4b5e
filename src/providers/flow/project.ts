// The one Flow project of each token: made on first use, remembered, made again when Flow lost it.
import { damaged } from "../json-stream.ts";
import type { CallContext, ProviderToken } from "../provider.ts";
import { createSingleFlight } from "../single-flight.ts";
import { parseProject, projectBody } from "./convert.ts";
import { textAt } from "./json.ts";
import type { Session, Sessions } from "./session.ts";
import type { Transport } from "./transport.ts";

export type Projects = {
  /** The token's project id. @throws {AppError} as `Sessions.use`, `upstream_unavailable` when none could be made */
  current(token: ProviderToken, call: CallContext): Promise<string>;
  /** The id that takes the place of `lost`, which Flow does not know any more. @throws {AppError} as `current` */
  replace(token: ProviderToken, call: CallContext, lost: string): Promise<string>;
};

/** A project belongs to an account, not to a session: it outlives the daily change of the cookie. */
type Project = { id: string; owner: string | null };

const TITLE = "flow2api";
const CREATE_LIMIT_MS = 20_000;

/** Projects by token id. */
export function createProjects(transport: Transport, sessions: Sessions): Projects {
  const known = new Map<number, Project>();
  const share = createSingleFlight<number, string>();

  const recall = (token: ProviderToken, session: Session): Project | null => {
    const project = known.get(token.id) ?? rememberedProject(token);
    const isForeign = project?.owner && session.identity && project.owner !== session.identity;
    return isForeign ? null : project;
  };

  const create = async (token: ProviderToken, call: CallContext): Promise<string> => {
    // Others wait for this project: the first caller's leaving must not stop it.
    const lasting = { ...call, signal: new AbortController().signal };
    return sessions.use(token, lasting, async (session) => {
      const { body } = await transport.ask({
        operation: "project",
        path: "trpc/project.createProject",
        auth: { cookie: session.cookie },
        body: projectBody(TITLE),
        proxy: token.proxy,
        signal: lasting.signal,
        limitMs: CREATE_LIMIT_MS,
      });
      const id = parseProject(body);
      if (!id) throw damaged("malformed", "Flow's answer names no project.");
      const project = { id, owner: session.identity ?? null };
      known.set(token.id, project);
      await call.remember({ state: { project } });
      return id;
    });
  };

  return {
    async current(token, call) {
      const project = recall(token, await sessions.current(token, call));
      return project?.id ?? share(token.id, () => create(token, call), call.signal);
    },
    async replace(token, call, lost) {
      const project = recall(token, await sessions.current(token, call));
      return project && project.id !== lost ? project.id : share(token.id, () => create(token, call), call.signal);
    },
  };
}

function rememberedProject(token: ProviderToken): Project | null {
  const id = textAt(token.state, "project", "id");
  return id ? { id, owner: textAt(token.state, "project", "owner") ?? null } : null;
}
