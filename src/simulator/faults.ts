// The fault language: `operation=fault[(argument)][:probability|:once|:N][@secret-prefix]`, rules separated by commas.
import { chance } from "./chance.ts";
import { FAULTS, type FaultInfo, type FaultName, type FaultStage } from "./fault-table.ts";
import { OPERATIONS, type Operation } from "./operations.ts";

export { FAULTS } from "./fault-table.ts";

export type FaultRule = {
  operations: Operation[];
  fault: FaultName;
  argument: string;
  /** Share of the matching requests that it strikes. */
  probability: number;
  /** How many times it may strike. */
  times: number;
  /** Only tokens whose secret begins so; empty: all. */
  secretPrefix: string;
};

export type Fired = { fault: FaultName; argument: string; stage: FaultStage };

const RULE = /^([\w.*-]+)=([\w-]+)(?:\(([^()]*)\))?(?::([\w.]+))?(?:@(.+))?$/;

/**
 * Reads a fault specification such as `gemini.generate=429-minute:0.3, flow.image=verification:once@canary`.
 * `*` and `gemini.*` stand for all operations that the fault fits. An empty text is no faults.
 * @throws {Error} naming the rule and what was expected
 */
export function parseFaults(spec: string): FaultRule[] {
  return spec
    .split(/[,\n]/)
    .map((rule) => rule.trim())
    .filter((rule) => rule !== "")
    .map(parseRule);
}

function parseRule(text: string): FaultRule {
  const match = RULE.exec(text);
  if (!match) throw new Error(`Fault "${text}": expected operation=fault[(argument)][:probability|:once|:N][@secret-prefix]`);
  const [, target = "", name = "", argument = "", often = "", secretPrefix = ""] = match;
  if (!Object.hasOwn(FAULTS, name))
    throw new Error(`Fault "${text}": unknown fault "${name}"; known are ${Object.keys(FAULTS).join(", ")}`);
  const fault = name as FaultName;
  const info: FaultInfo = FAULTS[fault];
  if (argument !== "" && !info.argument) throw new Error(`Fault "${text}": "${name}" takes no argument`);
  if (argument !== "" && info.argument !== "model" && !(Number(argument) >= 0)) {
    throw new Error(`Fault "${text}": "${name}" takes a number (${info.argument}), not "${argument}"`);
  }
  if (name === "latency" && argument === "") throw new Error(`Fault "${text}": latency takes milliseconds, as in latency(250)`);
  return { operations: operationsOf(target, info, text), fault, argument, ...frequencyOf(often, text), secretPrefix };
}

function operationsOf(target: string, info: FaultInfo, text: string): Operation[] {
  const all = Object.keys(OPERATIONS) as Operation[];
  const prefix = target.endsWith("*") ? target.slice(0, -1) : null;
  const named = all.filter((name) => (prefix === null ? name === target : name.startsWith(prefix)));
  if (named.length === 0) throw new Error(`Fault "${text}": unknown operation "${target}"; known are ${all.join(", ")}`);
  const fitting = named.filter((name) => !info.fits || info.fits.some((fit) => (fit.endsWith(".") ? name.startsWith(fit) : name === fit)));
  if (fitting.length === 0) throw new Error(`Fault "${text}": this fault fits ${info.fits?.join(", ")} only`);
  return fitting;
}

function frequencyOf(often: string, text: string): { probability: number; times: number } {
  if (often === "") return { probability: 1, times: Number.POSITIVE_INFINITY };
  if (often === "once") return { probability: 1, times: 1 };
  const number = Number(often.replace(/x$/, ""));
  if (often.includes(".") && number >= 0 && number <= 1) return { probability: number, times: Number.POSITIVE_INFINITY };
  if (Number.isInteger(number) && number >= 1 && !often.includes(".")) return { probability: 1, times: number };
  throw new Error(`Fault "${text}": after the colon comes a probability such as 0.3, "once" or a whole number of times, not "${often}"`);
}

export type FaultSchedule = {
  /** Replaces the rules. @throws {Error} as parseFaults; the old rules stay. */
  set(spec: string): void;
  /** The specification in force. */
  spec(): string;
  /** Decides what strikes this request: at most one refusal or content fault, any number of delivery faults. */
  strike(operation: Operation, secret: string, model?: string): Fired[];
  /** Models that `retired(model)` takes away from this secret: the model list leaves them out. */
  retiredModels(secret: string): string[];
};

/** A plan whose chances repeat with the seed. */
export function createFaultSchedule(seed: number, initial = ""): FaultSchedule {
  let random = chance(seed);
  let rules = parseFaults(initial);
  let spec = initial;
  const strikes = (rule: FaultRule, operation: Operation, secret: string, model: string | undefined): boolean =>
    rule.times > 0 &&
    rule.operations.includes(operation) &&
    secret.startsWith(rule.secretPrefix) &&
    (rule.fault !== "not-in-location" || rule.argument === "" || rule.argument === model) &&
    (rule.fault !== "retired" || (operation !== "gemini.models" && (rule.argument === "" || rule.argument === model))) &&
    (rule.probability === 1 || random() < rule.probability);
  return {
    set(text) {
      rules = parseFaults(text);
      spec = text;
      random = chance(seed);
    },
    spec: () => spec,
    strike(operation, secret, model) {
      const fired: Fired[] = [];
      for (const rule of rules) {
        const { stage } = FAULTS[rule.fault] as FaultInfo;
        if (stage !== "delivery" && fired.some((earlier) => earlier.stage !== "delivery")) continue;
        if (!strikes(rule, operation, secret, model)) continue;
        rule.times--;
        fired.push({ fault: rule.fault, argument: rule.argument, stage });
      }
      return fired;
    },
    retiredModels: (secret) =>
      rules
        .filter((rule) => rule.fault === "retired" && rule.times > 0 && secret.startsWith(rule.secretPrefix))
        .map((rule) => rule.argument),
  };
}
