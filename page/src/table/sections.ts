/**
 * A browser draws an element of 17 million pixels at most, so a very long table is shown in sections. Pure.
 */

export const ROW_HEIGHT = 26;

/** Rows of a section: 15.6 million pixels. */
export const SECTION_ROWS = 600_000;

/** How many rows a section that begins at `base` has. */
export function sectionRows(rows: number, base: number): number {
  return Math.max(0, Math.min(SECTION_ROWS, rows - base));
}

/** The section that `row` is in. */
export function sectionOf(row: number): number {
  return Math.floor(row / SECTION_ROWS) * SECTION_ROWS;
}
