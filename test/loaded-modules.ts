// Prints which modules a server has loaded once it has served; its argument is the setting tracing.endpoint. Run by tracing.test.ts.
import { startRig } from "./rig.ts";

const rig = await startRig({ settings: { "tracing.endpoint": process.argv[2] ?? "" } });
await (await rig.chat()).text();
await fetch(`${rig.url}/metrics`);
await rig[Symbol.asyncDispose]();
console.log(JSON.stringify(Object.keys(require.cache)));
process.exit(0);
