/** A server that speaks as a gateway does, for what needs no Kafka: a log of lines, streamed from any offset. */

import {createServer} from "node:http";

/** @typedef {import("node:http").IncomingMessage} Request */

/**
 * @param {object} options
 * @param {string[]} options.lines without their ends
 * @param {(request: Request, count: number) => {status: number, headers?: Record<string, string>, body?: string} | null} [options.answer] instead
 *   of the log
 * @param {boolean} [options.follow] whether the response stays open behind the last line
 */
export async function startGateway({lines, answer = () => null, follow = false}) {
  /** @type {Request[]} */
  const requests = [];
  let open = 0;
  let sent = 0;
  const server = createServer((request, response) => {
    requests.push(request);
    open += 1;
    response.on("close", () => (open -= 1));
    const other = answer(request, requests.length);
    if (other) return response.writeHead(other.status, other.headers).end(other.body);
    const query = new URL(request.url ?? "", "http://gateway").searchParams;
    const offset = Number(query.get("offset"));
    const limit = Number(query.get("limit") ?? Infinity);
    const wanted = lines.filter((line) => Number(/\d+/.exec(line)?.[0]) >= offset).slice(0, limit);
    response.writeHead(200, {"Content-Type": "application/x-ndjson"});
    void (async () => {
      for (const line of wanted) {
        if (response.destroyed) return;
        if (!response.write(`${line}\n`)) await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
        sent += line.length + 1;
      }
      if (!follow || wanted.length === limit) response.end();
    })();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const {port} = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    /** Responses that are under way. */
    open: () => open,
    /** Bytes that sockets took. */
    sent: () => sent,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * A log: meta, a domain with `batches` messages of `perBatch` records, and its last message.
 *
 * @param {{batches?: number, perBatch?: number, padding?: number, end?: object | null}} [options]
 */
export function logOf({batches = 4, perBatch = 3, padding = 0, end = {type: "complete", total_records: batches * perBatch}} = {}) {
  const columns = [{name: "N", type: "INTEGER", json: "number", exact_as_double: true}];
  const records = Array.from({length: batches}, (_, batch) => ({
    type: "records",
    domain: "history",
    batch: batch + 1,
    data: Array.from({length: perBatch}, (_, n) => ({N: batch * perBatch + n, PAD: "x".repeat(padding)})),
  }));
  const messages = [
    {type: "meta", job_id: "a-job", domains: ["history"]},
    {type: "domain_start", domain: "history", columns},
    ...records,
    {type: "domain_end", domain: "history", total_records: batches * perBatch},
    ...(end ? [end] : []),
  ];
  return messages.map((message, index) => JSON.stringify({offset: index * 2, ...message}));
}

/** @param {() => boolean} check */
export async function until(check) {
  const end = Date.now() + 60_000;
  while (!check()) {
    if (Date.now() > end) throw new Error(`did not come true: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
