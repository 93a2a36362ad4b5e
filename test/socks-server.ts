// A SOCKS5 server for tests (RFC 1928, RFC 1929), written apart from the library: writes down logins and where it is sent.
import { connect, createServer, type Socket } from "node:net";

export type SocksServer = AsyncDisposable & {
  port: number;
  /** Logins as `user:password`; empty: without one. */
  logins: string[];
  /** Targets as `name:port`; addresses as they came, by their kind. */
  targets: { kind: "name" | "ipv4" | "ipv6"; host: string; port: number }[];
  /** Connections that were opened to it. */
  connections(): number;
};

/** @param login the only one that is let in; absent: none is asked for. Every target is on this machine, whatever its name. */
export async function startSocks(login?: string): Promise<SocksServer> {
  const logins: string[] = [];
  const targets: SocksServer["targets"] = [];
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((socket) => {
    count++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    void serve(socket).catch(() => socket.destroy());
  });

  async function serve(socket: Socket): Promise<void> {
    const take = reader(socket);
    const [, methods] = await take(2);
    const offered = [...(await take(methods!))];
    const method = login === undefined ? 0 : 2;
    if (!offered.includes(method)) return void socket.end(Buffer.from([5, 0xff]));
    socket.write(Buffer.from([5, method]));
    if (method === 2) {
      const [, length] = await take(2);
      const user = (await take(length!)).toString();
      const password = (await take((await take(1))[0]!)).toString();
      logins.push(`${user}:${password}`);
      const isRight = `${user}:${password}` === login;
      socket.write(Buffer.from([1, isRight ? 0 : 1]));
      if (!isRight) return void socket.end();
    }
    const [, , , type] = await take(4);
    const host = type === 3 ? (await take((await take(1))[0]!)).toString() : textOf(await take(type === 1 ? 4 : 16));
    const port = (await take(2)).readUInt16BE();
    targets.push({ kind: type === 3 ? "name" : type === 1 ? "ipv4" : "ipv6", host, port });
    const refuse = () => socket.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]));
    if (host.startsWith("refused.")) return void refuse();
    const target = connect(port, "127.0.0.1", () => {
      socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
      take.release(target);
      target.pipe(socket);
    });
    target.on("error", () => (target.connecting ? refuse() : socket.destroy()));
    target.on("close", () => socket.destroy());
    socket.on("close", () => target.destroy());
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    logins,
    targets,
    connections: () => count,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Bytes of a socket by count; `release` sends the rest on. */
function reader(socket: Socket) {
  let held = Buffer.alloc(0);
  let wanted: { count: number; resolve(bytes: Buffer): void } | null = null;
  const offer = () => {
    if (!wanted || held.byteLength < wanted.count) return;
    const { count, resolve } = wanted;
    wanted = null;
    const bytes = held.subarray(0, count);
    held = held.subarray(count);
    resolve(bytes);
  };
  const read = (piece: Buffer) => {
    held = Buffer.concat([held, piece]);
    offer();
  };
  socket.on("data", read);
  const take = (count: number) =>
    new Promise<Buffer>((resolve) => {
      wanted = { count, resolve };
      offer();
    });
  return Object.assign(take, {
    release(target: Socket) {
      socket.off("data", read);
      if (held.byteLength > 0) target.write(held);
      socket.pipe(target);
    },
  });
}

const textOf = (bytes: Buffer): string =>
  bytes.byteLength === 4 ? [...bytes].join(".") : Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(":");
