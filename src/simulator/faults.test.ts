// Tests of the fault language and of what strikes when.
import { describe, expect, test } from "bun:test";
import { FAULTS, type FaultInfo } from "./fault-table.ts";
import { createFaultSchedule, parseFaults } from "./faults.ts";

describe("a fault specification", () => {
  test.each([
    [
      "gemini.generate=429-minute:0.3",
      { operations: ["gemini.generate"], fault: "429-minute", probability: 0.3, times: Number.POSITIVE_INFINITY },
    ],
    ["flow.image=verification:once", { fault: "verification", times: 1, probability: 1 }],
    ["flow.image=quota:3", { times: 3 }],
    ["flow.image=quota:3x@canary", { times: 3, secretPrefix: "canary" }],
    ["gemini.generate=latency(250)", { fault: "latency", argument: "250" }],
    ["gemini.generate=retired(gemini-2.5-flash-image)", { argument: "gemini-2.5-flash-image" }],
    ["flow.session=rotate", { operations: ["flow.session"] }],
    ["gemini.generate=500:1", { times: 1 }],
    ["gemini.generate=500:1.0", { probability: 1, times: Number.POSITIVE_INFINITY }],
  ])("%s is one rule", (spec, expected) => {
    expect(parseFaults(spec)).toEqual([expect.objectContaining(expected as object)]);
  });

  test("holds rules separated by commas or lines", () => {
    expect(parseFaults("gemini.generate=500,\n flow.image=503\nflow.credits=500")).toHaveLength(3);
    expect(parseFaults("  ")).toEqual([]);
  });

  test("a star stands for the operations that the fault fits", () => {
    expect(parseFaults("*=verification")[0]!.operations.every((name) => name.startsWith("flow."))).toBe(true);
    expect(parseFaults("*=text")[0]!.operations).toContain("gemini.generate");
    expect(parseFaults("flow.*=500")[0]!.operations).toContain("flow.video-status");
  });

  test.each([
    ["nonsense", /expected operation=fault/],
    ["gemini.generate=explode", /unknown fault "explode"/],
    ["gemini.paint=500", /unknown operation "gemini.paint"/],
    ["flow.image=bad-key", /fits gemini/],
    ["gemini.generate=500(3)", /takes no argument/],
    ["gemini.generate=latency", /takes milliseconds/],
    ["gemini.generate=latency(soon)", /takes a number/],
    ["gemini.generate=500:often", /probability/],
    ["gemini.generate=500:1.5", /probability/],
    ["gemini.generate=500:0", /probability/],
  ])("%s is refused with the reason", (spec, reason) => {
    expect(() => parseFaults(spec)).toThrow(reason);
  });

  test("every fault has a description and fits at least one operation", () => {
    for (const [name, info] of Object.entries<FaultInfo>(FAULTS)) {
      expect(info.description).not.toBe("");
      const argument = name === "latency" ? "(1)" : "";
      expect(parseFaults(`*=${name}${argument}`)[0]!.operations.length).toBeGreaterThan(0);
    }
  });
});

describe("a fault plan", () => {
  const names = (plan: ReturnType<typeof createFaultSchedule>, secret = "key") =>
    plan.strike("gemini.generate", secret).map(({ fault }) => fault);

  test("once strikes once", () => {
    const plan = createFaultSchedule(1, "gemini.generate=500:once");
    expect([names(plan), names(plan)]).toEqual([["500"], []]);
  });

  test("rules fall one after another, and delivery faults come on top", () => {
    const plan = createFaultSchedule(1, "gemini.generate=500:1,gemini.generate=503:1,gemini.generate=latency(5)");
    expect([names(plan), names(plan), names(plan)]).toEqual([["500", "latency"], ["503", "latency"], ["latency"]]);
  });

  test("a secret prefix spares the others", () => {
    const plan = createFaultSchedule(1, "gemini.generate=500@project-a.");
    expect([names(plan, "project-a.1"), names(plan, "project-b.1")]).toEqual([["500"], []]);
  });

  test("chances repeat with the seed and come near the probability", () => {
    const series = (seed: number) => {
      const plan = createFaultSchedule(seed, "gemini.generate=500:0.3");
      return Array.from({ length: 1000 }, () => names(plan).length);
    };
    expect(series(7)).toEqual(series(7));
    expect(series(7)).not.toEqual(series(8));
    const struck = series(7).filter((count) => count > 0).length;
    expect(struck).toBeGreaterThan(240);
    expect(struck).toBeLessThan(360);
  });

  test("a specification that is not understood leaves the old one in force", () => {
    const plan = createFaultSchedule(1, "gemini.generate=500");
    expect(() => plan.set("what")).toThrow();
    expect(names(plan)).toEqual(["500"]);
    expect(plan.spec()).toBe("gemini.generate=500");
  });

  test("retired with a model strikes that model and is known to the list", () => {
    const plan = createFaultSchedule(1, "gemini.*=retired(gemini-2.5-flash-image)@old");
    expect(plan.strike("gemini.generate", "old", "gemini-2.5-flash-image")).toHaveLength(1);
    expect(plan.strike("gemini.generate", "old", "gemini-3-pro-image")).toHaveLength(0);
    expect(plan.retiredModels("old")).toEqual(["gemini-2.5-flash-image"]);
    expect(plan.retiredModels("new")).toEqual([]);
  });
});
