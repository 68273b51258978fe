import { expect, test } from "vitest";
import { isMsd, pareto, worst, type Figures } from "../src/analysis/msd";

function figures(name: string | null, defects: number, rate: number | null): Figures {
  const rest = { passes: 1, containers: 1, input_qty: 1000, output_qty: 900, defect_share: null };
  return { name, defect_qty: defects, defect_rate: rate, ...rest };
}

test("a Pareto has reasons alone, most defects first, up to all of them", () => {
  const bars = pareto([figures("b", 30, 0.1), figures(null, 500, 0.2), figures("a", 60, 0.1), figures("c", 10, 0.1), figures("d", 0, 0)], 9);
  expect(bars.map((bar) => bar.figures.name)).toEqual(["a", "b", "c"]);
  expect(bars.map((bar) => bar.running)).toEqual([0.6, 0.9, 1]);
});

test("a Pareto that is cut still counts the reasons it leaves out", () => {
  expect(pareto([figures("a", 60, 0), figures("b", 40, 0)], 1).map((bar) => bar.running)).toEqual([0.6]);
});

test("the worst groups come first, those without input not at all", () => {
  const groups = [figures("low", 1, 0.01), figures("none", 0, null), figures("high", 1, 0.3)];
  expect(worst(groups, 5).map((group) => group.name)).toEqual(["high", "low"]);
});

test("only what has every dimension is drawn", () => {
  expect(isMsd("msd", { totals: figures(null, 1, 1), by: {} })).toBe(false);
  expect(isMsd("other", null)).toBe(false);
});
