import { expect, test } from "vitest";
import { asProblem, fieldOf, kindOf, type Problem } from "../src/problems";

function problem(slug: string, detail = ""): Problem {
  return { type: `urn:tracestream:problem:${slug}`, title: "", status: 400, detail };
}

test.each([
  [problem("invalid-container-id"), "container_ids"],
  [problem("too-many-container-ids"), "container_ids"],
  [problem("body-too-large"), "container_ids"],
  [problem("unknown-domain"), "domains"],
  [problem("missing-domain"), "domains"],
  [problem("unknown-aggregation"), "aggregation"],
  [problem("invalid-body", "domains is empty; name at least one of history, materials."), "domains"],
  [problem("invalid-body", "container_ids is empty; give at least one container ID."), "container_ids"],
  [problem("invalid-body", "batch_size is 0; it must be from 1 to 5000 records."), "batch_size"],
  [problem("invalid-body", "ttl_seconds is 1; it must be from 60 to 604800."), "ttl_seconds"],
  [problem("invalid-body", "Expected `int`, got `float` - at `$.ttl_seconds`. The members are container_ids, domains."), "ttl_seconds"],
  [problem("invalid-body", "The body is not JSON: it is cut."), "form"],
  [problem("too-many-jobs"), "form"],
])("%o is shown beside %s", (one, field) => {
  expect(fieldOf(one)).toBe(field);
});

test("whatever is thrown can be shown", () => {
  const one = problem("not-ready");
  expect(asProblem(one)).toBe(one);
  expect(asProblem(Object.assign(new Error("x"), { members: one }))).toBe(one);
  expect(asProblem(new TypeError("Failed to fetch")).detail).toBe("Failed to fetch");
  expect(asProblem("odd")).toMatchObject({ detail: "odd", status: 0 });
  expect(kindOf(one)).toBe("not-ready");
});
