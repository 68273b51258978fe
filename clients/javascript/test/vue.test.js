/** The composable in Vue's own scopes; a component's are the same. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {effectScope, nextTick, ref} from "vue";

import {Client} from "../src/index.js";
import {useTraceJob} from "../src/vue.js";
import {logOf, startGateway, until} from "./gateway.js";

/**
 * @param {import("node:test").TestContext} context
 * @param {Partial<Parameters<typeof startGateway>[0]>} options
 * @param {import("../src/vue.js").TraceJobOptions} [streaming]
 */
async function used(context, options, streaming) {
  const gateway = await startGateway({lines: logOf(), ...options});
  const job = ref(/** @type {string | null} */ ("a-job"));
  const scope = effectScope();
  context.after(async () => {
    scope.stop();
    await gateway.stop();
  });
  const client = new Client(gateway.url, {firstPause: 1, tries: 2});
  const trace = /** @type {import("../src/vue.js").TraceJob} */ (scope.run(() => useTraceJob(client, job, streaming)));
  return {gateway, job, scope, trace};
}

test("a job's state shows while it is read, and its records go to the caller", async (context) => {
  /** @type {[string, number, number][]} */
  const got = [];
  const {trace} = await used(context, {}, {onRecords: (domain, records, first) => void got.push([domain, first, records.length])});
  await until(() => trace.end.value !== null && trace.connection.value?.state === "ended");
  assert.equal(trace.meta.value?.job_id, "a-job");
  assert.deepEqual(trace.domains.history, {name: "history", columns: trace.domains.history?.columns, records: 12, total: 12});
  assert.equal(trace.domains.history?.columns.length, 1);
  assert.deepEqual(got, [0, 3, 6, 9].map((first) => ["history", first, 3]));
  assert.equal(trace.end.value?.type, "complete");
  assert.equal(trace.error.value, null);
  assert.equal(trace.offset.value, 15);
});

test("a job that failed ends with its problem, which is no error of the reading", async (context) => {
  const end = {type: "error", problem: {type: "urn:tracestream:problem:source", title: "The database could not answer"}};
  const {trace} = await used(context, {lines: logOf({end})});
  await until(() => trace.end.value !== null);
  assert.equal(trace.end.value?.type, "error");
  assert.equal(trace.error.value, null);
});

test("what stops the reading before its end is the error", async (context) => {
  const {trace} = await used(context, {answer: () => ({status: 410, body: '{"type":"urn:tracestream:problem:job-expired"}'})});
  await until(() => trace.error.value !== null);
  assert.equal(/** @type {Error} */ (trace.error.value).name, "JobExpired");
});

test("a pause takes nothing more, and going on completes it", async (context) => {
  const {trace, gateway} = await used(
    context,
    {lines: logOf({batches: 100, perBatch: 10, padding: 50_000})},
    {onRecords: (_domain, _records, first) => void (first === 20 && trace.pause())},
  );
  await until(() => trace.domains.history?.records === 30);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(trace.domains.history?.records, 30);
  const sent = gateway.sent();
  assert.ok(sent < 20_000_000, `${sent} bytes of 50,000,000`);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(gateway.sent(), sent);
  trace.resume();
  await until(() => trace.end.value !== null);
  assert.equal(trace.domains.history?.records, 1000);
});

test("another job begins anew, and none reads nothing", async (context) => {
  const {trace, job, gateway} = await used(context, {lines: logOf({end: null}).slice(0, 4), follow: true});
  await until(() => trace.domains.history?.records === 6);
  job.value = "another";
  await nextTick();
  assert.equal(trace.meta.value, null);
  await until(() => trace.domains.history?.records === 6);
  assert.match(gateway.requests.at(-1)?.url ?? "", /another/);
  job.value = null;
  await nextTick();
  await until(() => gateway.open() === 0);
  assert.deepEqual(Object.keys(trace.domains), []);
});

test("the connection is closed with the scope", async (context) => {
  const {trace, scope, gateway} = await used(context, {lines: logOf({end: null}).slice(0, 4), follow: true});
  await until(() => trace.domains.history?.records === 6);
  scope.stop();
  await until(() => gateway.open() === 0);
  assert.equal(trace.error.value, null);
});
