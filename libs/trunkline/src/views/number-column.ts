/** Reads a bigint, which PostgreSQL's driver gives as text. Counts and seqs fit into a number. */
export const NUMBER = { transformer: { from: Number, to: String } };
