import { describe, expect, test } from "vitest";
import { encodeGroup, parseGroup, recordTexts, tabSeparated, widest } from "../src/job/records";

function line(records: string[]): string {
  return `{"offset":7,"type":"records","domain":"d","batch":1,"data":[${records.join(",")}]}`;
}

describe("the records of a line", () => {
  test("are found without parsing it", () => {
    const records = ['{"ID":1,"T":"a"}', '{"ID":2,"T":null}', '{"ID":3,"T":"c"}'];
    expect(recordTexts(line(records))).toEqual(records);
    expect(recordTexts(line(records.slice(0, 1)))).toEqual(records.slice(0, 1));
  });

  test("of an empty page are none", () => {
    expect(recordTexts('{"domain":"d","offset":0,"limit":5,"total":0,"status":"complete","data":[]}')).toEqual([]);
  });

  test("may hold anything that looks like their border", () => {
    const awkward = ['},{"ID":', '"},{"ID":1', "}]}", "\\", '\\"},{"ID":', ']}\n[{"data":[', "},{", "晶圓切割 💠", "\u2028", '"data":['];
    // Each text beside each other one, in the first and in the last member.
    const records = awkward.flatMap((one) => awkward.map((other) => JSON.stringify({ ID: one, B: 1, C: other })));
    const texts = recordTexts(line(records));
    expect(texts).toEqual(records);
    expect(texts.map((text) => JSON.parse(text) as unknown)).toHaveLength(awkward.length ** 2);
  });

  test("come out of a group as cells, numbers digit for digit, where the engine tells the source text", () => {
    const texts = ['{"ID":488103800000000001,"X":1.0000000000,"Y":1e400,"T":"a\\tb","N":null,"B":true}'];
    const { names, numeric, rows } = parseGroup(encodeGroup(0, texts).body);
    expect(names).toEqual(["ID", "X", "Y", "T", "N", "B"]);
    expect(numeric).toEqual([true, true, true, false, false, false]);
    expect(rows).toEqual([["488103800000000001", "1.0000000000", "1e400", "a\tb", null, "true"]]);
  });
});

test("a spreadsheet gets back what was copied", () => {
  const text = tabSeparated(["A", "B"], [["1", null], ["two\nlines", 'a "quote"'], ["tab\there", ""]]);
  expect(text).toBe('A\tB\n1\t\n"two\nlines"\t"a ""quote"""\n"tab\there"\t');
});

test("full-width characters are wider than others", () => {
  const [latin, chinese, none] = widest([["12345678", "晶圓切割", null], ["1", "", null]]);
  expect(latin).toBe(8);
  expect(chinese).toBeGreaterThan(6);
  expect(none).toBe(4);
});
