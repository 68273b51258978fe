/** The figures of the aggregation `msd` (docs/aggregations.md), and what the charts draw of them. Pure. */

export interface Figures {
  name: string | null;
  passes: number;
  containers: number;
  input_qty: number;
  output_qty: number;
  defect_qty: number;
  defect_rate: number | null;
  defect_share: number | null;
}

export interface Dimension {
  groups: number;
  top: Figures[];
}

export const DIMENSIONS = ["loss_reason", "work_centre", "equipment", "day", "material_lot"] as const;
export type DimensionName = (typeof DIMENSIONS)[number];

export interface Msd {
  totals: Figures;
  by: Record<DimensionName, Dimension>;
}

export function isMsd(name: string, data: unknown): data is Msd {
  const found = data as Partial<Msd> | null;
  return name === "msd" && !!found?.totals && DIMENSIONS.every((dimension) => !!found.by?.[dimension]);
}

/** Reasons by their defects, most first, with the running share of all defects. Passes without a loss are no reason. */
export function pareto(reasons: Figures[], most: number): { figures: Figures; running: number }[] {
  const real = reasons.filter((one) => one.name !== null && one.defect_qty > 0).sort((a, b) => b.defect_qty - a.defect_qty);
  const total = real.reduce((sum, one) => sum + one.defect_qty, 0);
  let sum = 0;
  return real.slice(0, most).map((figures) => {
    sum += figures.defect_qty;
    return { figures, running: total ? sum / total : 0 };
  });
}

/** Groups by their defect rate, worst first. */
export function worst(groups: Figures[], most: number): Figures[] {
  return groups
    .filter((one) => one.defect_rate !== null)
    .sort((a, b) => (b.defect_rate ?? 0) - (a.defect_rate ?? 0))
    .slice(0, most);
}
