import { describe, expect, test } from "vitest";
import { SECTION_ROWS, ROW_HEIGHT, sectionOf, sectionRows } from "../src/table/sections";
import { holds, moved, rectangle, type Selection } from "../src/table/selection";

const AT = (row: number, column: number): Selection => ({ anchor: { row, column }, active: { row, column } });
const KEY = { shiftKey: false, ctrlKey: false, metaKey: false };
const BOUNDS = { rows: 1000, columns: 37, page: 20 };

describe("a selection", () => {
  test.each([
    ["ArrowDown", {}, 11, 5],
    ["ArrowUp", {}, 9, 5],
    ["ArrowLeft", {}, 10, 4],
    ["ArrowRight", {}, 10, 6],
    ["PageDown", {}, 30, 5],
    ["PageUp", {}, 0, 5],
    ["Home", {}, 10, 0],
    ["End", {}, 10, 36],
    ["Home", { ctrlKey: true }, 0, 0],
    ["End", { metaKey: true }, 999, 36],
    ["ArrowDown", { ctrlKey: true }, 999, 5],
  ])("%s %o moves to row %i, column %i", (key, more, row, column) => {
    expect(moved(AT(10, 5), { ...KEY, ...more, key }, BOUNDS)).toEqual(AT(row, column));
  });

  test("ends at the edges", () => {
    expect(moved(AT(999, 36), { ...KEY, key: "PageDown" }, BOUNDS)).toEqual(AT(999, 36));
    expect(moved(AT(0, 0), { ...KEY, key: "ArrowLeft" }, BOUNDS)).toEqual(AT(0, 0));
  });

  test("grows from its anchor with Shift, in any direction", () => {
    const grown = moved(AT(10, 5), { ...KEY, shiftKey: true, key: "PageUp" }, BOUNDS);
    expect(grown && rectangle(grown)).toEqual({ first: { row: 0, column: 5 }, last: { row: 10, column: 5 } });
    expect(grown && [holds(grown, 3, 5), holds(grown, 3, 6), holds(grown, 11, 5)]).toEqual([true, false, false]);
  });

  test("leaves other keys alone", () => {
    expect(moved(AT(1, 1), { ...KEY, key: "a" }, BOUNDS)).toBeNull();
  });
});

describe("sections of a very long table", () => {
  test("are lower than what browsers can draw", () => {
    expect(SECTION_ROWS * ROW_HEIGHT).toBeLessThan(16_777_216);
  });

  test("cover every row once", () => {
    expect(sectionRows(460_000, 0)).toBe(460_000);
    expect(sectionOf(SECTION_ROWS - 1)).toBe(0);
    expect(sectionOf(SECTION_ROWS)).toBe(SECTION_ROWS);
    expect(sectionRows(SECTION_ROWS + 5, SECTION_ROWS)).toBe(5);
    expect(sectionRows(0, 0)).toBe(0);
  });
});
