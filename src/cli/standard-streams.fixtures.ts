// Writes as its arguments say: `errors N`, `output N` (kB, then the word "end"), `unread N` (errors; then how many kB were lost), `terminal`; ends as the program does.
import { StandardStreams } from "./standard-streams.ts";

const [what, kilobytes = "0"] = process.argv.slice(2);
const streams = new StandardStreams(what === "unread" ? 50 : undefined);
if (what === "terminal") streams.stderr(`${streams.isTerminal}\n`);
else {
  const write: (text: string) => unknown = what === "output" ? streams.stdout : streams.stderr;
  let lost = 0;
  for (let count = 0; count < Number(kilobytes); count++) if (write(`${"x".repeat(1023)}\n`) === false) lost += 1;
  if (what === "unread") streams.stdout(`${lost}\n`);
  else write("end\n");
}
await streams.flush();
process.exit(7);
