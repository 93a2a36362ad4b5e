// `flow2api serve` in a process whose writing thread dies as soon as something comes on standard input.
const workers: { url: string; worker: Worker }[] = [];
const Original = globalThis.Worker;
globalThis.Worker = class extends Original {
  constructor(...args: ConstructorParameters<typeof Original>) {
    super(...args);
    workers.push({ url: String(args[0]), worker: this });
  }
};
process.stdin.once("data", () => {
  const { worker } = workers.findLast(({ url }) => url.includes("store-thread"))!;
  if (process.env.THREAD_DEATH === "terminated") worker.terminate();
  else worker.postMessage("this is no batch");
});
process.argv.splice(1, 1, `${import.meta.dir}/../../src/main.ts`);
await import("../../src/main.ts");
