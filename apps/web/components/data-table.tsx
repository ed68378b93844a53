import type { ReactNode } from "react";

export interface Column<Row> {
  head: ReactNode;
  /** Figures stand at the right, in the face of figures. */
  num?: boolean;
  className?: string | undefined;
  cell: (row: Row) => ReactNode;
}

interface Props<Row> {
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string | number;
  /** What tests, and styles, know a row by. */
  marks?: (row: Row) => Record<`data-${string}`, string | boolean | number>;
  className?: string | undefined;
  testId?: string;
}

/** Rows that are alike, a column for each thing that is said of them. */
export function DataTable<Row>({ rows, columns, keyOf, marks, className, testId }: Props<Row>) {
  const classOf = ({ num, className: own }: Column<Row>) => [num ? "num" : "", own ?? ""].join(" ").trim() || undefined;
  return (
    <table className={className} data-testid={testId}>
      <thead>
        <tr>
          {columns.map((column, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a column is known by its place
            <th scope="col" key={i} className={column.num ? "num" : undefined}>
              {column.head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} {...marks?.(row)}>
            {columns.map((column, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a column is known by its place
              <td key={i} className={classOf(column)}>
                {column.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
