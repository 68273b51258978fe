/** What the beginning of a line says, without parsing the rest: a line may have megabytes. Pure. */
/**
 * The gateway writes `offset` and `type` first; whatever comes between them and a reader may have written the line anew, so it is
 * parsed where it does not begin so.
 *
 * @param {string} line
 * @returns {{offset: number, type: string}}
 * @throws {NotTracestream}
 */
export declare function headOf(line: string): {
    offset: number;
    type: string;
};
/**
 * The same of a line's bytes.
 *
 * @param {Uint8Array} line
 * @returns {{offset: number, type: string}}
 * @throws {NotTracestream}
 */
export declare function headOfBytes(line: Uint8Array): {
    offset: number;
    type: string;
};
