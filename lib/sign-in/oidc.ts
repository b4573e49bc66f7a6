/**
 * OpenID Connect sign-in: Authorization Code with PKCE, state and nonce, with any issuer that says which e-mail addresses it has verified.
 */
import * as oidc from "openid-client";
import * as z from "zod";
import { CountersignError } from "../errors.js";
import { isLoopback } from "../tool/hosts.js";

/** What must be kept between leaving for the issuer and coming back. */
export interface Attempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}
/** Who signed in, as the issuer says. */
export interface Identity {
  /** lower case */
  readonly email: string;
  /** `<issuer>|<sub>` */
  readonly subject: string;
  /** IANA time zone, when the issuer knows it */
  readonly timeZone: string | null;
}
export interface SignIn {
  begin(): Promise<{ readonly url: URL; readonly attempt: Attempt }>;
  /** @throws CountersignError CS-2130 for an answer that is not the issuer's to this attempt, or an address it has not verified */
  finish(callback: URL, attempt: Attempt): Promise<Identity>;
}
export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  /** a public client (PKCE alone) when left out */
  readonly clientSecret?: string;
  /** where the issuer sends people back to */
  readonly redirectUri: string;
}

const claims = z.object({
  sub: z.string().min(1).max(255),
  email: z.email().max(254),
  email_verified: z.literal(true),
  zoneinfo: z.string().max(64).optional(),
});

export function oidcSignIn(settings: OidcSettings): SignIn {
  let known: Promise<oidc.Configuration> | undefined;
  const configuration = () => {
    known ??= discover(settings).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
  return {
    async begin() {
      const attempt = {
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        verifier: oidc.randomPKCECodeVerifier(),
      };
      const url = oidc.buildAuthorizationUrl(await configuration(), {
        redirect_uri: settings.redirectUri,
        scope: "openid email profile",
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(attempt.verifier),
        code_challenge_method: "S256",
      });
      return { url, attempt };
    },
    async finish(callback, { state, nonce, verifier }) {
      // The issuer compares with the registered address, so what a proxy made of our own does not matter.
      const current = new URL(settings.redirectUri);
      current.search = callback.search;
      const tokens = await oidc
        .authorizationCodeGrant(await configuration(), current, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        })
        .catch((error: unknown) => {
          throw failed(error instanceof Error ? error.name : "unknown");
        });
      const parsed = claims.safeParse(tokens.claims());
      if (!parsed.success) throw failed("the issuer names no verified e-mail address");
      const { sub, email, zoneinfo } = parsed.data;
      return {
        email: email.toLowerCase(),
        subject: `${settings.issuer}|${sub}`,
        timeZone: zoneinfo !== undefined && isTimeZone(zoneinfo) ? zoneinfo : null,
      };
    },
  };
}

async function discover({ issuer, clientId, clientSecret }: OidcSettings): Promise<oidc.Configuration> {
  const url = new URL(issuer);
  if (url.protocol !== "https:" && !isLoopback(url.hostname))
    throw new CountersignError(
      "CS-2130",
      `sign-in: ${issuer} is not https; set the stage's oidcIssuer to an https address`,
    );
  const authentication = clientSecret === undefined ? oidc.None() : oidc.ClientSecretPost(clientSecret);
  const execute = url.protocol === "https:" ? [] : [oidc.allowInsecureRequests];
  return oidc.discovery(url, clientId, undefined, authentication, { execute, timeout: 5 });
}

const failed = (why: string) =>
  new CountersignError("CS-2130", `sign-in: it did not succeed (${why}); open the link again and sign in anew`);

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
