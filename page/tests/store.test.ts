import { describe, expect, test } from "vitest";
import { GROUP_ROWS, RowStore } from "../src/job/store";

function record(row: number): string {
  return `{"ROW":${row},"PAD":"${"x".repeat(80)}"}`;
}

function records(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, place) => record(first + place));
}

function shown(store: RowStore, row: number): string | null | undefined {
  return store.group(row)?.rows[row % GROUP_ROWS]?.[0];
}

describe("the row store", () => {
  test("gives back every row, however the batches were cut", () => {
    const store = new RowStore(10_000_000);
    let given = 0;
    for (const size of [1, 127, 128, 129, 5000, 3, 1]) {
      store.append(records(given, size));
      given += size;
    }
    expect(store.count).toBe(given);
    for (let row = 0; row < given; row += 1) expect(shown(store, row)).toBe(String(row));
    expect(store.group(given + GROUP_ROWS)).toBeUndefined();
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

  test("of a tiny budget still shows what is looked at", () => {
    const store = new RowStore(1);
    store.count = 1000;
    store.look(512);
    store.insert(512, records(512, GROUP_ROWS));
    expect(shown(store, 513)).toBe("513");
  });
});
