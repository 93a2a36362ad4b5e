// Writes as its arguments say: `errors N`, `output N` (kB, then the word "end"), `terminal`; ends as the program does.
import { StandardStreams } from "./standard-streams.ts";

const [what, kilobytes = "0"] = process.argv.slice(2);
const streams = new StandardStreams();
if (what === "terminal") streams.stderr(`${streams.isTerminal}\n`);
else {
  const write = what === "errors" ? streams.stderr : streams.stdout;
  for (let count = 0; count < Number(kilobytes); count++) write(`${"x".repeat(1023)}\n`);
  write("end\n");
}
await streams.flush();
process.exit(7);
