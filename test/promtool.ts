// Prometheus' own checker, where it is installed (Debian: package prometheus).

const path = Bun.which("promtool");

export const hasPromtool = path !== null;
if (!hasPromtool) console.warn("!!! promtool is not installed: metrics, alerts and dashboard are not checked by Prometheus");

/** Runs promtool; code 0 and no text is clean. */
export async function promtool(args: readonly string[], input = ""): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([path!, ...args], { stdin: new Blob([input]), stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, output: (stdout + stderr).trim() };
}
