import { describe, expect, test } from "vitest";
import { cutRecords, type Records } from "../src/job/records";
import { GROUP_ROWS, groupOf, RowStore } from "../src/job/store";

function record(row: number): string {
  return `{"ROW":${row},"PAD":"${"x".repeat(80)}"}`;
}

function records(first: number, count: number): Records {
  const texts = Array.from({ length: count }, (_, place) => record(first + place));
  return cutRecords(new TextEncoder().encode(`{"data":[${texts.join(",")}]}`));
}

function shown(store: RowStore, row: number): string | null | undefined {
  return store.group(groupOf(row))?.rows[row % GROUP_ROWS]?.[0];
}

describe("the row store", () => {
  test("gives back every row, however the batches were cut", () => {
    const store = new RowStore(10_000_000);
    let given = 0;
    for (const size of [1, 31, 32, 33, 127, 128, 129, 5000, 3, 1]) {
      store.append(records(given, size));
      given += size;
      expect(shown(store, given - 1)).toBe(String(given - 1));
    }
    expect(store.count).toBe(given);
    for (let row = 0; row < given; row += 1) expect(shown(store, row)).toBe(String(row));
    expect(store.rowsIn(groupOf(given - 1))).toBe(((given - 1) % GROUP_ROWS) + 1);
    expect(store.rowsIn(groupOf(given) + 1)).toBe(0);
    expect(store.group(groupOf(given) + 1)).toBeUndefined();
  });

  test("keeps within its budget what is near to what is looked at", () => {
    const store = new RowStore(200_000);
    store.look(0);
    for (let first = 0; first < 100_000; first += 5000) store.append(records(first, 5000));
    expect(store.count).toBe(100_000);
    expect(store.bytes).toBeLessThanOrEqual(200_000);
    expect(shown(store, 0)).toBe("0");
    expect(shown(store, 90_000)).toBeUndefined();
  });

  test("keeps copies: what it was given may be used again", () => {
    const store = new RowStore(200_000);
    const given = records(0, GROUP_ROWS + 1);
    store.append(given);
    given.bytes.fill(0);
    expect(shown(store, 0)).toBe("0");
    expect(shown(store, GROUP_ROWS)).toBe(String(GROUP_ROWS));
  });

  test("lets go of what is far when somebody looks elsewhere", () => {
    const store = new RowStore(200_000);
    store.append(records(0, 100_000));
    store.look(64_000);
    store.insert(64_000, records(64_000, 4 * GROUP_ROWS));
    expect(shown(store, 64_000)).toBe("64000");
    expect(shown(store, 64_000 + 4 * GROUP_ROWS - 1)).toBe(String(64_000 + 4 * GROUP_ROWS - 1));
    expect(store.bytes).toBeLessThanOrEqual(200_000);
  });

  test("counts a group that comes again once", () => {
    const store = new RowStore(1_000_000);
    store.append(records(0, GROUP_ROWS));
    const before = store.bytes;
    store.insert(0, records(0, GROUP_ROWS));
    expect(store.bytes).toBe(before);
  });

  test("takes a group that is not whole only where the rows end", () => {
    const store = new RowStore(1_000_000);
    store.count = 3 * GROUP_ROWS + 5;
    store.insert(0, records(0, GROUP_ROWS + 3));
    expect(store.group(1)).toBeUndefined();
    store.insert(2 * GROUP_ROWS, records(2 * GROUP_ROWS, 500));
    expect(store.group(3)?.rows).toHaveLength(5);
  });

  test("leaves the group that the stream is at to the stream", () => {
    const store = new RowStore(1_000_000);
    store.append(records(0, GROUP_ROWS + 5));
    store.insert(0, records(0, 500));
    store.append(records(GROUP_ROWS + 5, 2));
    expect(store.group(1)?.rows).toHaveLength(7);
  });

  test("of a tiny budget still shows what is looked at", () => {
    const store = new RowStore(1);
    store.count = 1000;
    store.look(512);
    store.insert(512, records(512, GROUP_ROWS));
    expect(shown(store, 513)).toBe("513");
  });
});
