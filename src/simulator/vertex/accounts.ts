// Service accounts of the simulated Vertex: their JSON, and the check of what they signed (RFC 7519, RFC 7523).
import { createHash, generateKeyPairSync, type KeyObject, verify } from "node:crypto";

export type AccountFacts = { project?: string; name?: string };

type KeyPair = { privatePem: string; publicKey: KeyObject };

let pair: KeyPair | null = null;

/** One pair for all accounts of this process, made when first needed: it takes a tenth of a second. */
function keyPair(): KeyPair {
  if (pair) return pair;
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  pair = { privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), publicKey };
  return pair;
}

/** The JSON that Google's console gives for a new key of a service account. */
export function serviceAccountKey({ project = "simulated-project", name = "painter" }: AccountFacts = {}): string {
  const email = `${name}@${project}.iam.gserviceaccount.com`;
  const account = {
    type: "service_account",
    project_id: project,
    private_key_id: createHash("sha1").update(email).digest("hex"),
    private_key: keyPair().privatePem,
    client_email: email,
    client_id: String(Number.parseInt(createHash("sha1").update(email).digest("hex").slice(0, 12), 16)),
    auth_uri: "https://accounts.google.com/o/oauth2/auth",
    token_uri: "https://oauth2.googleapis.com/token",
    auth_provider_x509_cert_url: "https://www.googleapis.com/oauth2/v1/certs",
    client_x509_cert_url: `https://www.googleapis.com/robot/v1/metadata/x509/${encodeURIComponent(email)}`,
    universe_domain: "googleapis.com",
  };
  return `${JSON.stringify(account, null, 2)}\n`;
}

export type Claims = { iss: string; scope: string; aud: string; iat: number; exp: number };

/** The claims of an assertion, or what Google says of one that it does not accept. `now` in epoch ms. */
export function readAssertion(assertion: string, now: number): Claims | { refusal: string } {
  const parts = assertion.split(".");
  const [head, body, signature] = parts;
  if (parts.length !== 3) return { refusal: "Invalid JWT: wrong number of segments." };
  const header = decoded(head!);
  const claims = decoded(body!);
  if (!header || !claims) return { refusal: "Invalid JWT: it cannot be parsed." };
  if (header.alg !== "RS256") return { refusal: "Invalid JWT Signature." };
  const isSigned = verify("RSA-SHA256", Buffer.from(`${head}.${body}`), keyPair().publicKey, Buffer.from(signature!, "base64url"));
  if (!isSigned) return { refusal: "Invalid JWT Signature." };
  const { iss, scope, aud, iat, exp } = claims;
  if (aud !== "https://oauth2.googleapis.com/token")
    return { refusal: "Invalid JWT: Failed audience check. The right audience is https://oauth2.googleapis.com/token" };
  if (typeof iat !== "number" || typeof exp !== "number" || exp - iat > 3600 || exp * 1000 <= now || iat * 1000 > now + 60_000)
    return {
      refusal:
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
    };
  if (typeof scope !== "string" || !scope.split(" ").includes("https://www.googleapis.com/auth/cloud-platform"))
    return { refusal: "Invalid OAuth scope or ID token audience provided." };
  if (typeof iss !== "string" || !/^[^@]+@[^@]+\.iam\.gserviceaccount\.com$/.test(iss))
    return { refusal: "Invalid grant: account not found" };
  return { iss, scope, aud, iat, exp };
}

function decoded(segment: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, "base64url").toString());
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
