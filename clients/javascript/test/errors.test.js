import assert from "node:assert/strict";
import {test} from "node:test";

import * as errors from "../src/errors.js";

const PREFIX = "urn:tracestream:problem:";

for (const [status, slug, name] of /** @type {[number, string, string][]} */ ([
  [400, "invalid-container-id", "RequestProblem"],
  [404, "unknown-job", "UnknownJob"],
  [410, "job-expired", "JobExpired"],
  [429, "too-many-streams", "ServiceProblem"],
  [503, "not-ready", "ServiceProblem"],
  [500, "internal-error", "ServiceProblem"],
  [502, "source", "JobFailed"],
  [500, "record-too-large", "JobFailed"],
])) {
  test(`${status} ${slug} is a ${name}`, () => {
    const document = {type: PREFIX + slug, title: "A title", status, detail: "A sentence.", index: 7};
    const error = errors.problemOf(status, document, 3);
    assert.equal(error.name, name);
    assert.equal(error.message, "A title: A sentence.");
    assert.equal(error.members.index, 7);
    assert.ok(error instanceof errors.TracestreamError);
    assert.equal(errors.isPassing(error), name === "ServiceProblem");
  });
}

test("an answer without a problem document is told with its status", () => {
  for (const body of [undefined, null, "text", [], {}, {type: 3}]) {
    const error = errors.problemOf(403, body, null);
    assert.equal(error.name, "RequestProblem");
    assert.equal(error.type, "about:blank");
    assert.match(error.message, /403/);
  }
});
