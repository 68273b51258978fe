import { describe, expect, test } from "vitest";
import { parseIds } from "../src/ids";

describe("container IDs", () => {
  test("are one a line, taken as they are but for white space around them", () => {
    const { ids, lines } = parseIds("A 1,2\r\n\r\n  b;\t3 \nC");
    expect(ids).toEqual(["A 1,2", "b;\t3", "C"]);
    expect([...lines]).toEqual([1, 3, 4]);
  });

  test("are made distinct in order, and repeated ones are counted and shown with their lines", () => {
    const parsed = parseIds("x\ny\nx\nz\ny\nx\n");
    expect(parsed.ids).toEqual(["x", "y", "z"]);
    expect(parsed.duplicates).toBe(3);
    expect(parsed.examples).toEqual([
      { id: "x", line: 3, first: 1 },
      { id: "y", line: 5, first: 2 },
      { id: "x", line: 6, first: 1 },
    ]);
  });

  test("of nothing are none", () => {
    for (const text of ["", "\n", " \r\n\t\n"]) expect(parseIds(text).ids).toEqual([]);
  });

  test("by the hundred thousand all count", () => {
    const text = Array.from({ length: 300_000 }, (_, place) => `id-${place % 200_000}`).join("\n");
    const parsed = parseIds(text);
    expect([parsed.ids.length, parsed.duplicates, parsed.examples.length]).toEqual([200_000, 100_000, 5]);
  });
});
