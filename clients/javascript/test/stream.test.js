/** What of a stream is JavaScript's own: streams, signals, workers, bounded pulls. The promises are in clients/cases. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {Client} from "../src/index.js";
import {logOf, startGateway, until} from "./gateway.js";

const LINES = logOf();

/**
 * @param {import("node:test").TestContext} context
 * @param {Partial<Parameters<typeof startGateway>[0]>} [options]
 * @param {import("../src/index.js").ClientOptions} [own]
 */
async function started(context, options, own) {
  const gateway = await startGateway({lines: LINES, ...options});
  context.after(gateway.stop);
  return {gateway, client: new Client(gateway.url, {firstPause: 1, ...own})};
}

/** @template T @param {ReadableStream<T>} stream */
async function all(stream) {
  const found = [];
  for await (const each of stream) found.push(each);
  return found;
}

/** @type {import("../src/index.js").StreamOptions[]} */
const OPTIONS = [{}, {worker: true}, {flow: "pull"}, {flow: "pull", worker: true}, {exact: true}, {exact: true, worker: true}];
for (const options of OPTIONS) {
  test(`the messages are the log's with ${JSON.stringify(options)}`, async (context) => {
    const {client} = await started(context);
    assert.deepEqual(await all(client.stream("a-job", options)), LINES.map((line) => JSON.parse(line)));
  });
}

test("a worker gives large messages back whole", async (context) => {
  const lines = logOf({batches: 2, perBatch: 2_345});
  const {client} = await started(context, {lines});
  assert.deepEqual(await all(client.stream("a-job", {worker: true})), lines.map((line) => JSON.parse(line)));
});

test("a worker tells of a line that is no JSON", async (context) => {
  const {client} = await started(context, {lines: [...LINES.slice(0, 2), '{"offset":9,"type":"records","data":oops}']});
  await assert.rejects(all(client.stream("a-job", {worker: true})), {name: "NotTracestream"});
});

test("a stream is a ReadableStream that tells where its consumer stands", async (context) => {
  const {client} = await started(context);
  const stream = client.stream("a-job");
  assert.ok(stream instanceof ReadableStream);
  assert.equal(stream.offset, 0);
  const reader = stream.getReader();
  await reader.read();
  await reader.read();
  assert.equal(stream.offset, 3);
  await reader.cancel();
});

test("a message that a reader asked for and did not wait for is the first of the loop that follows", async (context) => {
  const {client} = await started(context);
  const stream = client.stream("a-job");
  const reader = stream.getReader();
  await reader.read();
  const left = assert.rejects(reader.read(), TypeError);
  reader.releaseLock();
  await left;
  assert.deepEqual(await all(stream), LINES.slice(1).map((line) => JSON.parse(line)));
});

test("a loop that does not cancel leaves the rest to the next one, and one that does leaves nothing", async (context) => {
  const {client, gateway} = await started(context);
  const stream = client.stream("a-job");
  for await (const message of stream.values({preventCancel: true})) {
    assert.equal(message.type, "meta");
    assert.ok(stream.locked);
    break;
  }
  assert.equal(stream.locked, false);
  for await (const message of stream) {
    assert.deepEqual(message, JSON.parse(LINES[1] ?? ""));
    break;
  }
  await until(() => gateway.open() === 0);
  assert.deepEqual(await all(stream), []);
});

test("a stream that failed in a loop says the same to who reads it later", async (context) => {
  const {client} = await started(context, {lines: ['{"offset":0,"type":"meta",oops}']});
  const stream = client.stream("a-job");
  await assert.rejects(all(stream), {name: "NotTracestream"});
  await assert.rejects(stream.getReader().read(), {name: "NotTracestream"});
});

test("nothing is asked for before somebody reads", async (context) => {
  const {client, gateway} = await started(context);
  client.stream("a-job");
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(gateway.requests.length, 0);
});

test("leaving the loop closes the connection", async (context) => {
  const {client, gateway} = await started(context, {lines: LINES.slice(0, 4), follow: true});
  for await (const message of client.stream("a-job")) {
    assert.equal(message.type, "meta");
    break;
  }
  await until(() => gateway.open() === 0);
});

for (const options of OPTIONS) {
  test(`an aborted signal ends a waiting read with its reason, with ${JSON.stringify(options)}`, async (context) => {
    const {client, gateway} = await started(context, {lines: LINES.slice(0, 4), follow: true});
    const controller = new AbortController();
    const reason = new Error("enough");
    const reading = all(client.stream("a-job", {...options, signal: controller.signal}));
    await until(() => gateway.open() === 1);
    setTimeout(() => controller.abort(reason), 50);
    await assert.rejects(reading, (error) => error === reason);
    await until(() => gateway.open() === 0);
  });
}

test("a signal that is aborted already asks for nothing", async (context) => {
  const {client, gateway} = await started(context);
  await assert.rejects(all(client.stream("a-job", {signal: AbortSignal.abort("enough")})), (reason) => reason === "enough");
  assert.equal(gateway.requests.length, 0);
});

test("a reader that holds still stops the server", async (context) => {
  const lines = logOf({batches: 200, perBatch: 10, padding: 50_000});
  const {client, gateway} = await started(context, {lines});
  const reader = client.stream("a-job").getReader();
  for (let taken = 0; taken < 3; taken += 1) await reader.read();
  let before = -1;
  await until(() => {
    const now = gateway.sent();
    const still = now === before;
    before = now;
    return still && now > 0;
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(gateway.sent() < 20_000_000, `the server sent ${gateway.sent()} of 100,000,000 bytes`);
  let rest = 0;
  while (!(await reader.read()).done) rest += 1;
  assert.equal(rest, lines.length - 3);
});

test("bounded pulls never have more than two responses of lines under way", async (context) => {
  const lines = logOf({batches: 50});
  const {client, gateway} = await started(context, {lines});
  const reader = client.stream("a-job", {flow: "pull", pullLines: 3}).getReader();
  for (let taken = 1; taken <= lines.length; taken += 1) {
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 3));
    const askedFor = gateway.requests.length * 3;
    assert.ok(askedFor <= taken + 6, `${askedFor} lines were asked for when ${taken} were taken`);
  }
  assert.ok((await reader.read()).done);
});

test("the next lines are fetched while the consumer is at the present ones", async (context) => {
  const {client, gateway} = await started(context, {lines: logOf({batches: 20})});
  const reader = client.stream("a-job", {flow: "pull", pullLines: 2}).getReader();
  await reader.read();
  await until(() => gateway.requests.length === 2);
  await reader.cancel();
});

test("the connection is reported: how it is, where it stands, what came", async (context) => {
  const answer = (/** @type {unknown} */ _request, /** @type {number} */ count) => (count === 1 ? {status: 503, headers: {"Retry-After": "0"}} : null);
  const {client} = await started(context, {answer});
  /** @type {import("../src/index.js").Connection[]} */
  const told = [];
  await all(client.stream("a-job", {onConnection: (now) => told.push(now)}));
  assert.deepEqual(
    told.map((now) => now.state),
    ["connecting", "waiting", "connecting", "open", "ended"],
  );
  const bytes = LINES.join("\n").length + 1;
  assert.deepEqual(told.at(-1), {state: "ended", offset: (LINES.length - 1) * 2 + 1, resumes: 1, bytes});
});

test("headers of the caller go with every request, and another fetch may carry them", async (context) => {
  const fetched = /** @type {string[]} */ ([]);
  const {client, gateway} = await started(context, {}, {
    headers: {Authorization: "Bearer x"},
    fetch: (url, init) => {
      fetched.push(url);
      return fetch(url, init);
    },
  });
  await all(client.stream("a-job"));
  assert.equal(gateway.requests[0]?.headers.authorization, "Bearer x");
  assert.equal(fetched.length, 1);
});

test("records can be piped on, and the layers before them are held back", async (context) => {
  const {client} = await started(context, {lines: logOf({batches: 10, perBatch: 10})});
  const upper = new TransformStream({transform: (row, controller) => controller.enqueue(row.N * 2)});
  const found = await all(client.records("a-job").pipeThrough(upper));
  assert.deepEqual(found, Array.from({length: 100}, (_, n) => n * 2));
});

test("a small job that is waited for comes as one answer, or as the job that goes on", async (context) => {
  const whole = {job: {job_id: "a-job"}, domains: {history: []}, aggregation: null};
  const {client, gateway} = await started(context, {
    answer: (_request, count) =>
      count === 1 ? {status: 200, body: JSON.stringify(whole)} : {status: 202, body: '{"job_id":"a-job","status":"queued"}'},
  });
  const request = {container_ids: ["a"], domains: ["history"]};
  assert.deepEqual(await client.submitAndWait(request, 5), whole);
  assert.deepEqual(await client.submitAndWait(request, 5), {job_id: "a-job", status: "queued"});
  assert.equal(gateway.requests[0]?.headers.prefer, "wait=5");
  assert.notEqual(gateway.requests[0]?.headers["idempotency-key"], gateway.requests[1]?.headers["idempotency-key"]);
});

test("the download's address asks for a file", () => {
  assert.equal(new Client("http://gateway/").downloadUrl({job_id: "a b"}), "http://gateway/api/trace/job/a%20b/stream?download=1");
});

test("bounded pulls use a connection again", async (context) => {
  const {client, gateway} = await started(context, {lines: logOf({batches: 20})});
  await all(client.stream("a-job", {flow: "pull", pullLines: 2}));
  const ports = new Set(gateway.requests.map((request) => request.socket.remotePort));
  assert.equal(gateway.requests.length, 12);
  // The engine may open a second one while the first is not quite free.
  assert.ok(ports.size <= 3, `${ports.size} connections`);
});

test("lines come as the bytes they are where few are looked into, with the same promises", async (context) => {
  const strange = ['{"type":"meta","offset":0}', '{"offset":1,"type":"records","data":["膠量正常 💠"]}\r', '{"offset":2,"type":"complete"}'];
  for (const lines of [LINES, strange]) {
    const {client} = await started(context, {lines});
    const texts = [];
    for await (const {content} of client.lines("a-job")) texts.push(content);
    const found = [];
    for await (const {content} of client.lineBytes("a-job")) found.push(new TextDecoder().decode(content));
    assert.deepEqual(found, texts);
    assert.deepEqual(found, lines.map((line) => line.trimEnd()));
  }
});
