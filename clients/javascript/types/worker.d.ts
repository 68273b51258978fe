/** The worker's side of parsing: takes lines, gives messages back, their records in pieces. */
export {};
