// A small OpenID provider for tests: discovery, keys, authorization and token endpoint, each of which can be told to lie.
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

/** What the provider says otherwise than it should. */
export type Lies = {
  claims?: JWTPayload;
  issuer?: string;
  /** Signs with a key that it does not publish. */
  otherKey?: boolean;
  /** Leaves the groups out of the id token; they are at the userinfo endpoint then. */
  groupsAtUserinfo?: boolean;
};

export type OpenIdProvider = AsyncDisposable & {
  issuer: string;
  lies: Lies;
  /** Groups of the person who signs in. */
  groups: string[];
  /** Paths that were asked for. */
  asked: string[];
};

export const CLIENT = { id: "flow2api", secret: "the secret of the client" } as const;

export async function startOpenIdProvider(): Promise<OpenIdProvider> {
  const [keys, others] = [await generateKeyPair("RS256", { extractable: true }), await generateKeyPair("RS256")];
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "one", use: "sig", alg: "RS256" };
  const codes = new Map<string, { nonce: string; challenge: string; redirect: string }>();
  const state = { lies: {} as Lies, groups: ["ops"], asked: [] as string[] };
  const person = () => ({ sub: "subject-7", preferred_username: "bea" });

  const idToken = ({ nonce }: { nonce: string }): Promise<string> => {
    const { lies } = state;
    const now = Math.floor(Date.now() / 1000);
    const groups = lies.groupsAtUserinfo ? {} : { groups: state.groups };
    const claims = { iss: server.url.origin, aud: CLIENT.id, iat: now, exp: now + 300, nonce, ...person(), ...groups, ...lies.claims };
    return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "one" }).sign(lies.otherKey ? others.privateKey : keys.privateKey);
  };
  const authorize = (query: URLSearchParams): Response => {
    const [code, redirect] = [crypto.randomUUID(), query.get("redirect_uri")!];
    codes.set(code, { nonce: query.get("nonce")!, challenge: query.get("code_challenge")!, redirect });
    return Response.redirect(`${redirect}?${new URLSearchParams({ code, state: query.get("state")! })}`, 302);
  };
  const token = async (request: Request): Promise<Response> => {
    const form = new URLSearchParams(await request.text());
    const pending = codes.get(form.get("code") ?? "");
    codes.delete(form.get("code") ?? "");
    const challenge = new Bun.CryptoHasher("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
    const basic = `Basic ${btoa(`${encodeURIComponent(CLIENT.id)}:${encodeURIComponent(CLIENT.secret).replaceAll("%20", "+")}`)}`;
    const isRight = pending?.challenge === challenge && pending.redirect === form.get("redirect_uri");
    if (!pending || !isRight || request.headers.get("authorization") !== basic)
      return Response.json({ error: "invalid_grant" }, { status: 400 });
    return Response.json({ access_token: "access", token_type: "Bearer", expires_in: 60, id_token: await idToken(pending) });
  };
  const server: Bun.Server<undefined> = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request): Promise<Response> {
      const { pathname, searchParams } = new URL(request.url);
      state.asked.push(pathname);
      const { origin } = server.url;
      if (pathname === "/.well-known/openid-configuration")
        return Response.json({
          issuer: state.lies.issuer ?? origin,
          authorization_endpoint: `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          jwks_uri: `${origin}/keys`,
          userinfo_endpoint: `${origin}/userinfo`,
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["RS256"],
        });
      if (pathname === "/keys") return Response.json({ keys: [jwk] });
      if (pathname === "/authorize") return authorize(searchParams);
      if (pathname === "/token") return token(request);
      if (pathname === "/userinfo") return Response.json({ ...person(), groups: state.groups });
      return new Response(null, { status: 404 });
    },
  });
  return Object.assign(state, {
    issuer: server.url.origin,
    [Symbol.asyncDispose]: () => server.stop(true),
  });
}
