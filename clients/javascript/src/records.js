/** Records one by one, out of a stream of messages. */

import {JobCancelled, JobFailed} from "./errors.js";

/** @import {Message, Row} from "./types.js" */

/**
 * Messages → records, of one domain or of all. A job that failed or was cancelled ends it with an error: what is missing
 * must not look like an end.
 *
 * @param {string} [domain]
 * @returns {TransformStream<Message, Row>}
 */
export function recordsOf(domain) {
  return new TransformStream(
    {
      transform(message, controller) {
        if (message.type === "records" && (domain === undefined || message.domain === domain)) {
          for (const record of message.data) controller.enqueue(record);
        } else if (message.type === "error") {
          throw new JobFailed(message.problem);
        } else if (message.type === "cancelled") {
          throw new JobCancelled("The job was cancelled: its records are not all there.");
        }
      },
    },
    {highWaterMark: 1},
    {highWaterMark: 0},
  );
}
