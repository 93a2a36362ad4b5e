// SOCKS5 bridge: an HTTP proxy on the loopback interface for one SOCKS proxy, since Bun's fetch speaks HTTP to proxies only.
import { timingSafeEqual } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { SocksClient } from "socks";
import { BRIDGE_HEADER, readSocksServer, type SocksServer } from "./proxy-address.ts";

const CONNECT_MS = 20_000;
/** Longest head of a request. */
const MAX_HEAD = 64 * 1024;
const END_OF_HEAD = Buffer.from("\r\n\r\n");

/** One SOCKS proxy behind a port of its own: connections of different proxies are never shared. */
export class SocksBridge {
  /** Why the last connection failed, for the operator. */
  failure = "";
  readonly credential = crypto.getRandomValues(new Uint8Array(24)).toHex();
  readonly #authorization = Buffer.from(`Basic ${btoa(`bridge:${this.credential}`)}`);
  readonly #socks: SocksServer;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;

  constructor(address: string) {
    this.#socks = readSocksServer(address);
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Listens, and resolves with the address of the HTTP proxy. */
  async listen(): Promise<string> {
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
    // A command that asked one thing ends, although its connection stays open for the next.
    server.unref();
    return `http://bridge:${this.credential}@127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  close(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    let head = Buffer.alloc(0);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    const read = (piece: Buffer) => {
      head = Buffer.concat([head, piece]);
      const end = head.indexOf(END_OF_HEAD);
      if (end < 0 && head.byteLength <= MAX_HEAD) return;
      socket.off("data", read);
      socket.pause();
      if (end < 0) socket.end("HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n");
      else void this.#serve(socket, head.subarray(0, end).toString("latin1"), head.subarray(end + END_OF_HEAD.byteLength));
    };
    socket.on("data", read);
  }

  async #serve(socket: Socket, head: string, rest: Buffer): Promise<void> {
    const [line = "", ...fields] = head.split("\r\n");
    if (!this.#isOwn(fields)) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="bridge"\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const target = targetOf(line);
    if (!target) {
      socket.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
      return;
    }
    try {
      const upstream = await this.#connect(target);
      if (socket.destroyed) return void upstream.destroy();
      join(socket, upstream);
      if (target.isTunnel) socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      else upstream.write(plainHead(target.line, fields), "latin1");
      if (rest.byteLength > 0) upstream.write(rest);
      socket.resume();
    } catch (error) {
      this.failure = reasonOf(error);
      socket.end(`HTTP/1.1 502 Bad Gateway\r\n${BRIDGE_HEADER}: ${this.credential}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
    }
  }

  #isOwn(fields: readonly string[]): boolean {
    const field = fields.find((one) => /^proxy-authorization:/i.test(one)) ?? "";
    const given = Buffer.from(field.slice(field.indexOf(":") + 1).trim());
    return given.byteLength === this.#authorization.byteLength && timingSafeEqual(given, this.#authorization);
  }

  /** The name goes to the SOCKS proxy as it is, which resolves it. */
  async #connect({ host, port }: Target): Promise<Socket> {
    const { user, password, ...proxy } = this.#socks;
    const login = user === "" ? {} : { userId: user, password };
    const { socket } = await SocksClient.createConnection({
      proxy: { ...proxy, type: 5, ...login },
      command: "connect",
      destination: { host, port },
      timeout: CONNECT_MS,
      set_tcp_nodelay: true,
    });
    return socket;
  }
}

type Target = { host: string; port: number; isTunnel: boolean /** The request line as the target wants it. */; line: string };

/** `CONNECT host:port`, or a plain request with an absolute address. */
function targetOf(line: string): Target | null {
  const [method = "", address = "", version = ""] = line.split(" ");
  const isTunnel = method === "CONNECT";
  const url = URL.parse(isTunnel ? `https://${address}` : address);
  if (!url || !version.startsWith("HTTP/") || !/^https?:$/.test(url.protocol)) return null;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  return { host, port, isTunnel, line: `${method} ${url.pathname}${url.search} ${version}` };
}

/** One request a connection: the next one may be for another host. */
const plainHead = (line: string, fields: readonly string[]): string =>
  [line, ...fields.filter((field) => !/^(proxy-|connection:|keep-alive:)/i.test(field)), "connection: close", "", ""].join("\r\n");

function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
    from.pipe(to);
  }
}

/** In words that hold no address and no login. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  if (/authentication/i.test(message)) return "the SOCKS proxy refused the user or the password";
  if (/rejected connection/i.test(message)) return "the SOCKS proxy could not reach the upstream";
  if (/timed out/i.test(message)) return "the SOCKS proxy did not answer in time";
  return "the SOCKS proxy could not be reached";
}
