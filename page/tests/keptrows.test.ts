import { describe, expect, test } from "vitest";
import { encodeBlock } from "../src/job/blocks";
import { useKeptRows } from "../src/job/keptrows";
import type { RowBlock } from "../src/job/messages";
import { GROUP_ROWS } from "../src/job/store";

function block(index: number, version: number, rows = GROUP_ROWS, domain = "lots"): RowBlock {
  const cells = Array.from({ length: rows }, (_, place) => [String(index * GROUP_ROWS + place)]);
  return { domain, index, version, rows, columns: 1, buffer: encodeBlock(cells, 1) };
}

function kept() {
  const back: string[] = [];
  return { back, rows: useKeptRows(({ domain, index, version }) => back.push(`${domain} ${index} v${version}`)) };
}

describe("the rows on the page's side", () => {
  test("are those of one domain, found by their number", () => {
    const { rows } = kept();
    rows.put(block(3, 1));
    expect(rows.row("lots", 3 * GROUP_ROWS + 5)?.cell(0)).toBe(String(3 * GROUP_ROWS + 5));
    expect(rows.row("lots", 0)).toBeUndefined();
    expect(rows.row("other", 3 * GROUP_ROWS)).toBeUndefined();
  });

  test("are few: the memory of those farthest from the newest is given back", () => {
    const { rows, back } = kept();
    for (let index = 0; index < 100; index += 1) rows.put(block(index, index));
    expect(back).toEqual(Array.from({ length: back.length }, (_, index) => `lots ${index} v${index}`));
    expect(back.length).toBeGreaterThan(80);
    rows.put(block(20, 100));
    expect(back.at(-1)).toBe("lots 99 v99");
    expect(rows.row("lots", 20 * GROUP_ROWS)).toBeDefined();
  });

  test("stay the same objects while their group grows, whose older version is given back", () => {
    const { rows, back } = kept();
    rows.put(block(0, 1, 2));
    const first = rows.row("lots", 0);
    rows.put(block(0, 2, 5));
    expect(rows.row("lots", 0)).toBe(first);
    expect(rows.row("lots", 4)?.cell(0)).toBe("4");
    expect(back).toEqual(["lots 0 v1"]);
  });

  test("of a domain that is left are given back", () => {
    const { rows, back } = kept();
    rows.put(block(0, 1));
    rows.put(block(7, 2, GROUP_ROWS, "materials"));
    expect(back).toEqual(["lots 0 v1"]);
    expect(rows.row("lots", 0)).toBeUndefined();
    expect(rows.row("materials", 7 * GROUP_ROWS)).toBeDefined();
  });
});
