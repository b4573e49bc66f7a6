/**
 * An identity provider on this machine, so that sign-in is real: the npm package oidc-provider with a page that asks who you are. Everyone
 * who can reach this loopback port may be anyone: it stands in for a company's own provider in development, and nowhere else.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Provider } from "oidc-provider";
import * as z from "zod";

export interface LocalPerson {
  readonly email: string;
  readonly timeZone?: string;
}
export interface LocalOidcOptions {
  readonly clientId: string;
  readonly redirectUri: () => string;
  readonly people: () => readonly LocalPerson[];
}

const LOCAL_ID_TOKEN_SEC = 366 * 86_400;
const address = z.object({ port: z.number() });

export class LocalOidc {
  private constructor(
    private readonly server: Server,
    readonly issuer: string,
  ) {}

  /** The provider itself is made when it is first asked: only then is known where it sends people back to. */
  static async start(options: LocalOidcOptions): Promise<LocalOidc> {
    let provider: Promise<Provider> | undefined;
    const server = createServer((request, response) => {
      provider ??= createProvider(oidc.issuer, options);
      void provider.then((made) => serve(made, options.people(), request, response));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound: AddressInfo | string | null = server.address();
    const oidc = new LocalOidc(server, `http://127.0.0.1:${address.parse(bound).port}`);
    return oidc;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

async function createProvider(issuer: string, { clientId, redirectUri, people }: LocalOidcOptions): Promise<Provider> {
  const { Provider: Made } = await import("oidc-provider");
  return new Made(issuer, {
    clients: [
      {
        client_id: clientId,
        token_endpoint_auth_method: "none",
        redirect_uris: [redirectUri()],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["zoneinfo"] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => {
      const person = people().find(({ email }) => email === id);
      if (person === undefined) return undefined;
      return {
        accountId: id,
        claims: () => ({
          sub: id,
          email: id,
          email_verified: true,
          ...(person.timeZone === undefined ? {} : { zoneinfo: person.timeZone }),
        }),
      };
    },
    cookies: { keys: ["local only"] },
    // The cloud's clock may have been put forward, and this provider's is the machine's.
    ttl: { IdToken: LOCAL_ID_TOKEN_SEC },
  });
}

async function serve(
  provider: Provider,
  people: readonly LocalPerson[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  if (!url.pathname.startsWith("/interaction/")) return void provider.callback()(request, response);
  try {
    const details = await provider.interactionDetails(request, response);
    if (details.prompt.name === "consent") return await consent(provider, details, request, response);
    const chosen = url.searchParams.get("as");
    if (request.method === "POST" && people.some(({ email }) => email === chosen))
      return await provider.interactionFinished(request, response, { login: { accountId: chosen ?? "" } });
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(choicePage(url.pathname, people));
  } catch {
    response.writeHead(400, { "content-type": "text/plain" }).end("this sign-in is over; begin again");
  }
}

/** Whoever signs in here has agreed: the client is our own. */
async function consent(
  provider: Provider,
  { session, params, prompt }: Awaited<ReturnType<Provider["interactionDetails"]>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const grant = new provider.Grant({
    accountId: session?.accountId ?? "",
    clientId: String(params.client_id),
  });
  const missing = z.object({ missingOIDCScope: z.array(z.string()).optional() }).parse(prompt.details);
  grant.addOIDCScope((missing.missingOIDCScope ?? []).join(" "));
  await provider.interactionFinished(
    request,
    response,
    { consent: { grantId: await grant.save() } },
    {
      mergeWithLastSubmission: true,
    },
  );
}

function choicePage(path: string, people: readonly LocalPerson[]): string {
  const buttons = people
    .map(({ email }) => {
      const name = email.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
      return `<form method="post" action="${path}?as=${encodeURIComponent(email)}"><button>${name}</button></form>`;
    })
    .join("\n");
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>Local sign-in</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:30rem;margin:3rem auto;padding:0 1rem}button{font:inherit;width:100%;padding:.7rem;margin:.3rem 0;cursor:pointer}</style></head>
<body><main><h1>Who are you?</h1><p>This is the local stand-in for your company's identity provider. It believes you.</p>
${buttons}</main></body></html>`;
}
