// Types of prom-client's modules by themselves: its index also loads process metrics, and with them OpenTelemetry's API.

declare module "prom-client/lib/counter.js" {
  import { Counter } from "prom-client";

  export = Counter;
}
declare module "prom-client/lib/gauge.js" {
  import { Gauge } from "prom-client";

  export = Gauge;
}
declare module "prom-client/lib/registry.js" {
  import { Registry } from "prom-client";

  export = Registry;
}
