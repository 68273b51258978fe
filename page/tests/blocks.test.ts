import { describe, expect, test } from "vitest";
import { Block, encodeBlock } from "../src/job/blocks";
import type { Cell } from "../src/job/records";

function cellsOf(block: Block, columns: number): Cell[][] {
  return block.rows.map((row) => Array.from({ length: columns }, (_, column) => row.cell(column)));
}

describe("a block of rows", () => {
  test("has the cells that were put in, NULL and the empty text told apart", () => {
    const rows: Cell[][] = [
      ["1", null, "", "晶圓切割 💠"],
      [null, "", "\ufeffmark", "a\tb\u2028"],
      ["", "", null, null],
    ];
    const block = new Block(encodeBlock(rows, 4), 3, 4);
    expect(cellsOf(block, 4)).toEqual(rows);
    expect(block.rows[0]?.isNull(1)).toBe(true);
    expect(block.rows[0]?.isNull(2)).toBe(false);
  });

  test("shows NULL where a row has fewer cells, and where there is no such column", () => {
    const block = new Block(encodeBlock([["a"], ["b", "c"]], 2), 2, 2);
    expect(cellsOf(block, 3)).toEqual([
      ["a", null, null],
      ["b", "c", null],
    ]);
    expect(block.rows[0]?.cell(-1)).toBeNull();
  });

  test("takes memory that was used before, and more where that is too small", () => {
    const spare = new ArrayBuffer(1000);
    new Uint8Array(spare).fill(0xff);
    const small: Cell[][] = [["a", null], ["b", "c"]];
    expect(encodeBlock(small, 2, spare)).toBe(spare);
    expect(cellsOf(new Block(spare, 2, 2), 2)).toEqual(small);
    const large: Cell[][] = [["晶".repeat(500), "x".repeat(200_000)], [null, "end"]];
    expect(cellsOf(new Block(encodeBlock(large, 2, spare), 2, 2), 2)).toEqual(large);
    expect(cellsOf(new Block(encodeBlock(small, 2, new ArrayBuffer(3)), 2, 2), 2)).toEqual(small);
  });

  test("that has grown keeps the rows that it had", () => {
    const before = new Block(encodeBlock([["a"]], 1), 1, 1);
    const [first] = before.rows;
    const after = new Block(encodeBlock([["a"], ["b"]], 1), 2, 1, before);
    expect(after.rows[0]).toBe(first);
    expect(first?.block).toBe(after);
    expect(cellsOf(after, 1)).toEqual([["a"], ["b"]]);
  });
});
