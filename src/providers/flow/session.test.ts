// Renewal of access tokens: once for all, cached, and never mistaken for a dead session.
import { describe, expect, test } from "bun:test";
import { AppError } from "../../errors.ts";
import { silentLog } from "../../log.ts";
import type { CallContext, ProviderToken } from "../provider.ts";
import { SESSION_COOKIE } from "./convert.ts";
import ANSWERS from "./fixtures/answers.json" with { type: "json" };
import { type Session, Sessions } from "./session.ts";
import { createCaller, NOW, startStub } from "./testing.ts";
import { createTransport } from "./transport.ts";

const HOUR = 3_600_000;
const MARGIN = 600_000;
const END = Date.parse(ANSWERS.session.expires);

function sessionsOf(stub: { labsBaseUrl: string; apiBaseUrl: string }) {
  const clock = { now: NOW };
  const options = { ...stub, now: () => clock.now, log: silentLog };
  const sessions = new Sessions(createTransport(options), options);
  const current: Sessions["current"] = (...args) => sessions.current(...args);
  const renew: Sessions["renew"] = (...args) => sessions.renew(...args);
  const use: Sessions["use"] = (...args) => sessions.use(...args);
  return { current, renew, use, clock };
}

async function failure(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => null,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(AppError);
  return error;
}

const rotating = (value: string) =>
  Response.json(ANSWERS.session, { headers: { "set-cookie": `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; Secure` } });

describe("exchange", () => {
  test("sends the cookie under its name, and a plain name of our own", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const session = await sessionsOf(stub).current(token, call);
    expect(session).toMatchObject({ accessToken: "ya29.access-1", identity: "ada@example.com", renewAt: END - MARGIN, endTold: true });
    const { headers } = stub.calls[0]!;
    expect(headers.get("cookie")).toBe(`${SESSION_COOKIE}=cookie-1`);
    expect(headers.get("authorization")).toBeNull();
    expect(headers.get("user-agent")).toMatch(/^flow2api\/\d+\.\d+\.\d+$/);
  });

  test("happens once for callers that ask together", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const { current } = sessionsOf(stub);
    const sessions = await Promise.all(Array.from({ length: 20 }, () => current(token, call)));
    expect(new Set(sessions.map((session) => session.accessToken)).size).toBe(1);
    expect(stub.count("session")).toBe(1);
  });

  test("of two tokens are two", async () => {
    await using stub = startStub();
    const { call, token } = createCaller();
    const { current } = sessionsOf(stub);
    await Promise.all([current(token, call), current({ ...token, id: 2, secret: "cookie-2" }, call)]);
    expect(stub.count("session")).toBe(2);
  });

  test("goes on for the others when the first caller leaves", async () => {
    await using stub = startStub();
    const first = createCaller();
    const second = createCaller();
    const asked = Promise.withResolvers<void>();
    const response = Promise.withResolvers<void>();
    stub.on.session = async () => {
      asked.resolve();
      await response.promise;
      return Response.json(ANSWERS.session);
    };
    const { current } = sessionsOf(stub);
    const left = failure(current(first.token, first.call));
    const stays = current(second.token, second.call);
    await asked.promise;
    first.abort.abort(new AppError("cancelled", "The client left."));
    expect((await left).message).toBe("The client left.");
    response.resolve();
    expect((await stays).accessToken).toBe("ya29.invented");
    expect(stub.count("session")).toBe(1);
    expect(first.token.state).toHaveProperty("session");
  });

  test("is not begun by a caller who has left already", async () => {
    await using stub = startStub();
    const { token, call, abort } = createCaller();
    abort.abort(new AppError("cancelled", "The client left."));
    expect((await failure(sessionsOf(stub).current(token, call))).kind).toBe("cancelled");
    expect(stub.count("session")).toBe(0);
  });
});

describe("an access token", () => {
  test("is used until ten minutes before its end, then renewed", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const { current, clock } = sessionsOf(stub);
    await current(token, call);
    clock.now = END - MARGIN - 1;
    await current(token, call);
    expect(stub.count("session")).toBe(1);
    clock.now = END - MARGIN;
    await current(token, call);
    expect(stub.count("session")).toBe(2);
  });

  test("with a short life keeps a margin of a tenth", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    stub.on.session = () => Response.json({ access_token: "ya29.s", expires: new Date(NOW + 50_000).toISOString() });
    expect((await sessionsOf(stub).current(token, call)).renewAt).toBe(NOW + 45_000);
  });

  test("without a reported end is trusted for less than an hour", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    stub.on.session = () => Response.json({ access_token: "ya29.s" });
    const session = await sessionsOf(stub).current(token, call);
    expect(session.endTold).toBe(false);
    expect(session.renewAt).toBeLessThan(NOW + HOUR);
    expect(session).not.toHaveProperty("identity");
  });

  test("is remembered over a restart", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const before = await sessionsOf(stub).current(token, call);
    const after = await sessionsOf(stub).current(token, call);
    expect(after).toEqual(before);
    expect(stub.count("session")).toBe(1);
  });

  test("is not inherited by a cookie that replaced the one it came from", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const { current } = sessionsOf(stub);
    await current(token, call);
    const replaced: ProviderToken = { ...token, secret: "cookie-of-another" };
    await current(replaced, call);
    await sessionsOf(stub).current({ ...token, secret: "cookie-of-a-third" }, call);
    expect(stub.named("session").map((one) => one.headers.get("cookie"))).toEqual(
      ["cookie-1", "cookie-of-another", "cookie-of-a-third"].map((value) => `${SESSION_COOKIE}=${value}`),
    );
  });
});

describe("a rotated cookie", () => {
  test("is stored with its session and used from then on, also by calls that began before", async () => {
    await using stub = startStub();
    stub.on.session = () => rotating("cookie-2");
    const { token, call } = createCaller();
    const before = { ...token };
    const { current, renew } = sessionsOf(stub);
    await current(token, call);
    expect(token.secret).toBe("cookie-2");
    expect((await current(before, call)).cookie).toBe("cookie-2");
    expect(stub.count("session")).toBe(1);
    await renew(before, call);
    expect(stub.calls[1]!.headers.get("cookie")).toBe(`${SESSION_COOKIE}=cookie-2`);
    expect((await sessionsOf(stub).current(token, call)).cookie).toBe("cookie-2");
    expect(stub.count("session")).toBe(2);
  });

  test("that is the same is not remembered again", async () => {
    await using stub = startStub();
    stub.on.session = () => rotating("cookie-1");
    const { token, call } = createCaller();
    const changes: Parameters<CallContext["remember"]>[0][] = [];
    await sessionsOf(stub).current(token, { ...call, remember: async (change) => void changes.push(change) });
    expect(changes).toHaveLength(1);
    expect(changes[0]).not.toHaveProperty("secret");
  });
});

describe("only Flow's own word makes a session dead", () => {
  const responses: [string, () => Response, string, string | undefined][] = [
    ["200 without access token", () => Response.json({}), "upstream_unauthorized", "session_dead"],
    ["200 null", () => Response.json(null), "upstream_unauthorized", "session_dead"],
    ["401", () => new Response("", { status: 401 }), "upstream_unauthorized", "session_dead"],
    ["a page with 200", () => new Response("<html>"), "upstream_unavailable", "malformed"],
    ["a list with 200", () => Response.json([]), "upstream_unavailable", "malformed"],
    ["a page with 403", () => new Response("<html>", { status: 403 }), "upstream_unavailable", "internal"],
    ["404", () => new Response("", { status: 404 }), "upstream_unavailable", "internal"],
    ["500", () => new Response("", { status: 500 }), "upstream_unavailable", "internal"],
    ["a redirect", () => Response.redirect("https://example.com/login"), "upstream_unavailable", "internal"],
    ["429", () => new Response("", { status: 429 }), "upstream_rate_limited", "throttled"],
  ];
  for (const [name, response, kind, reason] of responses) {
    test(`${name}: ${reason}`, async () => {
      await using stub = startStub();
      stub.on.session = response;
      const { token, call } = createCaller();
      const error = await failure(sessionsOf(stub).current(token, call));
      expect([error.kind, error.detail?.reason, error.charged] as unknown[]).toEqual([kind, reason, false]);
      expect(token.state).toEqual({});
    });
  }

  test("a server that is gone or hangs up is the network", async () => {
    const gone = startStub();
    await gone[Symbol.asyncDispose]();
    const { token, call } = createCaller();
    expect((await failure(sessionsOf(gone).current(token, call))).kind).toBe("network");

    using listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: (socket) => void socket.end() } });
    const base = `http://127.0.0.1:${listener.port}`;
    const error = await failure(sessionsOf({ labsBaseUrl: base, apiBaseUrl: base }).current(token, call));
    expect([error.kind, error.charged]).toEqual(["network", false]);
  });

  test("a secret that cannot be a cookie is dead without a call", async () => {
    await using stub = startStub();
    for (const secret of ["a b", "a;b", 'a"b', "a\nb", "", "é"]) {
      const { token, call } = createCaller({ secret });
      expect((await failure(sessionsOf(stub).current(token, call))).detail?.reason).toBe("session_dead");
    }
    expect(stub.count("session")).toBe(0);
  });

  test("a cookie put back after its successor died counts again", async () => {
    await using stub = startStub();
    stub.on.session = () => rotating("cookie-2");
    const { token, call } = createCaller();
    const { current, renew } = sessionsOf(stub);
    await current(token, call);
    stub.on.session = () => Response.json({});
    await failure(renew(token, call));
    stub.on.session = () => Response.json(ANSWERS.session);
    await current({ ...token, secret: "cookie-1", state: {} }, call);
    expect(stub.calls.at(-1)!.headers.get("cookie")).toBe(`${SESSION_COOKIE}=cookie-1`);
  });
});

describe("a call that is refused with 401", () => {
  const unauthorized = () => new AppError("upstream_unauthorized", "x", { detail: { scope: "token", reason: "session_dead" } });

  test("is repeated once with a renewed session", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const used: string[] = [];
    await sessionsOf(stub).use(token, call, async ({ accessToken }) => {
      used.push(accessToken);
      if (used.length === 1) throw unauthorized();
    });
    expect(used).toEqual(["ya29.access-1", "ya29.access-2"]);
  });

  test("is not repeated twice", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    let attempts = 0;
    const error = await failure(
      sessionsOf(stub).use(token, call, async () => {
        attempts++;
        throw unauthorized();
      }),
    );
    expect([error.detail?.reason, attempts, stub.count("session")]).toEqual(["session_dead", 2, 2]);
  });

  test("together with others renews once for all", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const { use, current } = sessionsOf(stub);
    await current(token, call);
    const attempt = async ({ accessToken }: Session) => {
      if (accessToken === "ya29.access-1") throw unauthorized();
    };
    await Promise.all(Array.from({ length: 10 }, () => use(token, call, attempt)));
    await use(token, call, attempt);
    expect(stub.count("session")).toBe(2);
  });

  test("is left alone for every other failure", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const error = new AppError("upstream_unauthorized", "x", { detail: { scope: "token", reason: "key_forbidden" } });
    expect(await failure(sessionsOf(stub).use(token, call, () => Promise.reject(error)))).toBe(error);
    expect(stub.count("session")).toBe(1);
  });
});
