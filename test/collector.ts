// A collector of OpenTelemetry traces: takes OTLP over HTTP and decodes its protobuf by the published field numbers.
// Source: https://github.com/open-telemetry/opentelemetry-proto, trace/v1/trace.proto and common/v1/common.proto (v1.9.0)

export type CollectedSpan = {
  traceId: string;
  spanId: string;
  parentId: string;
  name: string;
  kind: "internal" | "server" | "client" | "other";
  /** Epoch ms. */
  start: number;
  end: number;
  attributes: Record<string, unknown>;
  isError: boolean;
  resource: Record<string, unknown>;
};

export type Collector = AsyncDisposable & {
  url: string;
  spans: CollectedSpan[];
  /** Bodies as they came. */
  bodies: Uint8Array[];
  headers: Headers[];
};

/** `until`: answers nothing before. */
export function startCollector(until?: Promise<void>): Collector {
  const spans: CollectedSpan[] = [];
  const bodies: Uint8Array[] = [];
  const headers: Headers[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      if (new URL(request.url).pathname !== "/v1/traces") return new Response(null, { status: 404 });
      const body = new Uint8Array(await request.arrayBuffer());
      bodies.push(body);
      headers.push(request.headers);
      spans.push(...decodeRequest(body));
      await until;
      return new Response(null, { status: 200 });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, spans, bodies, headers, [Symbol.asyncDispose]: () => server.stop(true) };
}

type Field = { number: number; bytes: Uint8Array; integer: bigint };

/** Fields of a message, in order. */
function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const [number, wire] = [tag >> 3, tag & 7];
    const start = at;
    if (wire === 0) yield { number, integer: varint(), bytes: bytes.subarray(start, at) };
    else if (wire === 1) {
      at += 8;
      yield { number, integer: view.getBigUint64(start, true), bytes: bytes.subarray(start, at) };
    } else if (wire === 5) {
      at += 4;
      yield { number, integer: BigInt(view.getUint32(start, true)), bytes: bytes.subarray(start, at) };
    } else {
      const length = Number(varint());
      at += length;
      yield { number, integer: 0n, bytes: bytes.subarray(at - length, at) };
    }
  }
}

const all = (bytes: Uint8Array, number: number) => [...fieldsOf(bytes)].filter((field) => field.number === number);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function decodeValue(bytes: Uint8Array): unknown {
  for (const { number, bytes: inner, integer } of fieldsOf(bytes)) {
    if (number === 1) return text(inner);
    if (number === 2) return integer !== 0n;
    if (number === 3) return Number(BigInt.asIntN(64, integer));
    if (number === 4) return new DataView(inner.buffer, inner.byteOffset, 8).getFloat64(0, true);
    if (number === 5) return all(inner, 1).map((value) => decodeValue(value.bytes));
  }
  return null;
}

const decodeAttributes = (pairs: Field[]) =>
  Object.fromEntries(pairs.map(({ bytes }) => [text(all(bytes, 1)[0]!.bytes), decodeValue(all(bytes, 2)[0]!.bytes)]));

const KINDS = ["other", "internal", "server", "client"] as const;

function decodeSpan(bytes: Uint8Array, resource: CollectedSpan["resource"]): CollectedSpan {
  const first = (number: number) => all(bytes, number)[0];
  const hex = (number: number) => Buffer.from(first(number)?.bytes ?? []).toString("hex");
  const status = first(15);
  return {
    traceId: hex(1),
    spanId: hex(2),
    parentId: hex(4),
    name: text(first(5)!.bytes),
    kind: KINDS[Number(first(6)?.integer ?? 0n)] ?? "other",
    start: Number(first(7)!.integer / 1000n) / 1000,
    end: Number(first(8)!.integer / 1000n) / 1000,
    attributes: decodeAttributes(all(bytes, 9)),
    isError: status !== undefined && all(status.bytes, 3)[0]?.integer === 2n,
    resource,
  };
}

function decodeRequest(body: Uint8Array): CollectedSpan[] {
  return all(body, 1).flatMap(({ bytes: resourceSpans }) => {
    const resource = decodeAttributes(all(all(resourceSpans, 1)[0]!.bytes, 1));
    return all(resourceSpans, 2).flatMap(({ bytes: scope }) => all(scope, 2).map((span) => decodeSpan(span.bytes, resource)));
  });
}
