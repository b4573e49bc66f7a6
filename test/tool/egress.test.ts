import childProcess from "node:child_process";
import dgram from "node:dgram";
import dns from "node:dns";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import net from "node:net";
import tls from "node:tls";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { installEgress } from "../../lib/tool/egress.js";
import { allowedPlaces, baseUrlOf, isAllowed, parseLocalHosts } from "../../lib/tool/hosts.js";

let server: http.Server;
let allowed = 0;
let other: http.Server;
let refusedPort = 0;
let reached = 0;
let release: (() => void) | undefined;
const listen = async (target: http.Server) => {
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const address = target.address() as AddressInfo;
  return address.port;
};
beforeAll(async () => {
  server = http.createServer((_request, response) => response.end("fine"));
  other = http.createServer((_request, response) => response.end("never"));
  other.on("connection", () => {
    reached += 1;
  });
  allowed = await listen(server);
  refusedPort = await listen(other);
});
afterAll(() => {
  server.close();
  other.close();
});
afterEach(() => {
  release?.();
  release = undefined;
  expect(reached).toBe(0);
});

const guard = () => {
  release = installEgress({ tool: "t.x", hosts: ["api.example.com"], places: [{ host: "127.0.0.1", port: allowed }] });
};
const failure = (emitter: net.Socket | http.ClientRequest) =>
  new Promise<Error>((resolve) => emitter.once("error", resolve));
const get = (url: string) =>
  new Promise<string>((resolve, reject) => {
    http
      .get(url, { agent: false }, (response) => response.on("data", (chunk) => resolve(String(chunk))))
      .on("error", reject);
  });

describe("while the guard stands", () => {
  test("allowed places answer", async () => {
    guard();
    expect(await (await fetch(`http://127.0.0.1:${allowed}/`)).text()).toBe("fine");
    expect(await get(`http://127.0.0.1:${allowed}/`)).toBe("fine");
  });

  const code = { code: "CS-3207", message: expect.stringContaining("api.example.com") };
  test("fetch is refused, with the guard's error as its cause", async () => {
    guard();
    for (const url of [
      `http://127.0.0.1:${refusedPort}/`,
      `http://localhost:${allowed}/`,
      "https://evil.example/",
      "http://[::1]:5999/",
    ])
      await expect(fetch(url)).rejects.toMatchObject({ cause: code });
  });
  test("http and https are refused", async () => {
    guard();
    expect(await failure(http.get(`http://127.0.0.1:${refusedPort}/`))).toMatchObject(code);
    expect(await failure(https.get("https://evil.example/"))).toMatchObject(code);
    expect(
      await failure(http.get({ host: "127.0.0.1", port: refusedPort, agent: new http.Agent({ keepAlive: true }) })),
    ).toMatchObject(code);
  });
  test("net and tls are refused, however the place is written", async () => {
    guard();
    const sockets = [
      () => net.connect(refusedPort, "127.0.0.1"),
      () => net.connect({ port: refusedPort, host: "127.0.0.1" }),
      () => net.createConnection(refusedPort),
      () => net.connect("/tmp/some.sock"),
      () => net.connect({ path: "/tmp/some.sock" }),
      () => new net.Socket().connect(refusedPort, "127.0.0.1"),
      () => new net.Socket().connect({ port: refusedPort, host: "127.0.0.1", lookup: () => {} }),
      () =>
        new net.Socket().connect(
          Object.assign([{ host: "127.0.0.1", port: allowed }], { host: "127.0.0.1", port: refusedPort }) as never,
        ),
      () => tls.connect({ port: refusedPort, host: "127.0.0.1" }),
      () => tls.connect(refusedPort, "127.0.0.1"),
    ];
    for (const open of sockets) expect(await failure(open())).toMatchObject(code);
  });
  test("an allowed name does not carry a connection to a socket file or to an address of the caller's choice", async () => {
    guard();
    const elsewhere: net.LookupFunction = (_name, options, done) => {
      if (options.all === true) done(null, [{ address: "127.0.0.1", family: 4 }]);
      else done(null, "127.0.0.1", 4);
    };
    const attempts: net.NetConnectOpts[] = [
      { host: "127.0.0.1", port: allowed, path: "/tmp/some.sock" },
      { host: "127.0.0.1", port: allowed, lookup: elsewhere },
    ];
    for (const options of attempts) expect(await failure(net.connect(options))).toMatchObject(code);
  });

  test("a redirect to another place is refused", async () => {
    const redirecting = http.createServer((_request, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${refusedPort}/` }).end(),
    );
    const port = await listen(redirecting);
    release = installEgress({ tool: "t.x", hosts: ["api.example.com"], places: [{ host: "127.0.0.1", port }] });
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ cause: code });
    redirecting.close();
  });
  test("UDP, look-ups, processes and workers are refused", async () => {
    guard();
    const socket = dgram.createSocket("udp4");
    expect(() => socket.send("x", 53, "127.0.0.1")).toThrow(/refused/);
    expect(() => socket.connect(53, "127.0.0.1")).toThrow(/refused/);
    socket.close();
    await expect(dns.promises.resolve4("secret.evil.example")).rejects.toMatchObject(code);
    await expect(dns.promises.lookup("secret.evil.example")).rejects.toMatchObject(code);
    await expect(new dns.promises.Resolver().resolveTxt("secret.evil.example")).rejects.toMatchObject(code);
    expect(await new Promise((resolve) => dns.lookup("secret.evil.example", resolve))).toMatchObject(code);
    expect(() => childProcess.execSync("true")).toThrow(/CS-3214|process is refused/);
    expect(() => childProcess.spawn("true")).toThrow(/process is refused/);
    expect(() => new Worker("", { eval: true })).toThrow(/worker is refused/);
  });
});

test("once it is off, everything is as before", async () => {
  guard();
  release?.();
  release = undefined;
  expect(childProcess.execSync("echo hi").toString()).toBe("hi\n");
  expect(await get(`http://localhost:${allowed}/`).catch(() => get(`http://127.0.0.1:${allowed}/`))).toBe("fine");
});

describe("places", () => {
  const base = { hosts: ["api.stripe.com"], services: ["dynamodb"], env: { AWS_REGION: "eu-central-1" } };
  test("on AWS: the contract's hosts over TLS, and the services the runtime uses", () => {
    const places = allowedPlaces({ ...base, local: undefined });
    for (const host of [
      "api.stripe.com",
      "API.Stripe.com.",
      "dynamodb.eu-central-1.amazonaws.com",
      "111111111111.ddb.eu-central-1.amazonaws.com",
    ])
      expect(isAllowed(places, host, 443), host).toBe(true);
    for (const [host, port] of [
      ["api.stripe.com", 80],
      ["api.stripe.com.evil.example", 443],
      ["xapi.stripe.com", 443],
      ["s3.eu-central-1.amazonaws.com", 443],
      ["169.254.169.254", 80],
    ] as const)
      expect(isAllowed(places, host, port), host).toBe(false);
  });
  test("locally: the sandbox instead of the host, the endpoint, and the Lambda runtime", () => {
    const env = { ...base.env, AWS_ENDPOINT_URL: "http://127.0.0.1:4566", AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001" };
    const places = allowedPlaces({ ...base, env, local: { "api.stripe.com": "http://127.0.0.1:7001" } });
    for (const port of [4566, 9001, 7001]) expect(isAllowed(places, "127.0.0.1", port)).toBe(true);
    expect(isAllowed(places, "api.stripe.com", 443)).toBe(false);
    expect(isAllowed(places, "dynamodb.eu-central-1.amazonaws.com", 443)).toBe(false);
    expect(isAllowed(places, "127.0.0.1", 80)).toBe(false);
  });
  test("half a pair of brackets makes no address of a host", () => {
    const places = allowedPlaces({ ...base, local: undefined });
    for (const host of ["api.stripe.com]", "[api.stripe.com"]) expect(isAllowed(places, host, 443)).toBe(false);
  });
  test("nothing is allowed that is not listed, whatever it looks like", () => {
    const places = allowedPlaces({ ...base, local: undefined });
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const host = `${before}api.stripe.com${after}`;
        const same = host.toLowerCase().replace(/\.$/, "") === "api.stripe.com";
        return same || /^\[.*\]$/.test(host) || !isAllowed(places, host, 443);
      }),
    );
  });
  test("only loopback may stand in for a host", () => {
    for (const url of [
      "http://10.0.0.1",
      "http://127.0.0.1.evil.example",
      "https://evil.example",
      "ftp://127.0.0.1",
      "x",
    ])
      expect(() => parseLocalHosts(JSON.stringify({ "api.stripe.com": url })), url).toThrow(
        /not loopback|not a JSON map/,
      );
    expect(() => parseLocalHosts("[]")).toThrow(/not a JSON map/);
    expect(parseLocalHosts('{"a.b":"http://[::1]:1"}')).toEqual({ "a.b": "http://[::1]:1" });
    expect(parseLocalHosts(undefined)).toBeUndefined();
  });
  test("a base URL is given for the contract's hosts alone", () => {
    const local = { "api.stripe.com": "http://127.0.0.1:7001/" };
    expect(baseUrlOf("t", ["api.stripe.com"], undefined, "api.stripe.com")).toBe("https://api.stripe.com");
    expect(baseUrlOf("t", ["api.stripe.com"], local, "api.stripe.com")).toBe("http://127.0.0.1:7001");
    expect(() => baseUrlOf("t", ["api.stripe.com"], local, "evil.example")).toThrow(/refused/);
    expect(() => baseUrlOf("t", ["b.example"], local, "b.example")).toThrow(/sandbox/);
  });
});
