/** Records one by one, out of a stream of messages. */
import type { Message, Row } from "./types.js";
/** @import {Message, Row} from "./types.js" */
/**
 * Messages → records, of one domain or of all. A job that failed or was cancelled ends it with an error: what is missing
 * must not look like an end.
 *
 * @param {string} [domain]
 * @returns {TransformStream<Message, Row>}
 */
export declare function recordsOf(domain?: string): TransformStream<Message, Row>;
