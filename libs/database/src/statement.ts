/** One SQL statement; PostgreSQL plans it once per connection under its name. */
export interface Statement<Row> {
  readonly name: string;
  readonly text: string;
  /** Never set: carries the type of the rows. */
  readonly row?: Row;
}

export function statement<Row>(name: string, text: string): Statement<Row> {
  return { name, text };
}
