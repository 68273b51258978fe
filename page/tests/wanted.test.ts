import { describe, expect, test } from "vitest";
import { GROUP_ROWS } from "../src/job/store";
import { isWanted, wantedGroups } from "../src/job/wanted";

const ROWS = 100 * GROUP_ROWS;

function looked(group: number, backwards = false, count = GROUP_ROWS) {
  return { first: group * GROUP_ROWS, count, backwards };
}

describe("the groups that a page is to have", () => {
  test("are first those that are looked at, then those ahead, then one behind", () => {
    expect(wantedGroups(looked(10), ROWS)).toEqual([10, 11, 12, 13, 9]);
    expect(wantedGroups(looked(10, true), ROWS)).toEqual([10, 9, 8, 7, 11]);
    expect(wantedGroups(looked(10, false, GROUP_ROWS + 1), ROWS)).toEqual([10, 11, 12, 13, 14, 9]);
  });

  test("end where the rows end", () => {
    expect(wantedGroups(looked(0), ROWS)).toEqual([0, 1, 2, 3]);
    expect(wantedGroups(looked(99), ROWS)).toEqual([99, 98]);
    expect(wantedGroups(looked(0), 1)).toEqual([0]);
    expect(wantedGroups(looked(0), 0)).toEqual([]);
  });

  test("are those of one row where nothing is drawn yet", () => {
    expect(wantedGroups({ first: 5, count: 0, backwards: false }, 3)).toEqual([0]);
  });

  test("tell which new rows matter", () => {
    expect(isWanted(looked(0), 4 * GROUP_ROWS - 1)).toBe(true);
    expect(isWanted(looked(0), 4 * GROUP_ROWS)).toBe(false);
    expect(isWanted(looked(10), 0)).toBe(false);
  });
});
