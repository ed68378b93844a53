import { Fragment, type ReactNode, type Ref } from "react";

export interface Column<Row> {
  /** Where rows stand for themselves, a plain text stands before each cell. */
  head: ReactNode;
  /** Figures stand at the right, in the face of figures. */
  num?: boolean;
  /** It says what the row is about. */
  rowHead?: boolean;
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
  /** The columns speak for themselves; who does not see them is told. */
  headHidden?: boolean;
  /** On a phone each row stands for itself, below one another what it says: nothing is out of sight. */
  stacks?: boolean;
  /** What is opened below a row, as wide as all columns. */
  below?: (row: Row) => ReactNode;
  rowRef?: (row: Row) => Ref<HTMLTableRowElement> | undefined;
}

/** Rows that are alike, a column for each thing that is said of them. */
export function DataTable<Row>(props: Props<Row>) {
  const { rows, columns, keyOf, marks, className, testId, headHidden = false, stacks = false } = props;
  const { below, rowRef } = props;
  const classOf = ({ num, className: own }: Column<Row>) => [num ? "num" : "", own ?? ""].join(" ").trim() || undefined;
  return (
    <table className={[stacks ? "stacks" : "", className ?? ""].join(" ").trim() || undefined} data-testid={testId}>
      <thead className={headHidden ? "visually-hidden" : undefined}>
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
        {rows.map((row) => {
          const opened = below?.(row);
          return (
            <Fragment key={keyOf(row)}>
              <tr ref={rowRef?.(row)} {...marks?.(row)}>
                {columns.map((column, i) => {
                  const cell = {
                    className: classOf(column),
                    children: column.cell(row),
                    ...(stacks && typeof column.head === "string" ? { "data-head": column.head } : {}),
                  };
                  // biome-ignore lint/suspicious/noArrayIndexKey: a column is known by its place
                  return column.rowHead ? <th key={i} scope="row" {...cell} /> : <td key={i} {...cell} />;
                })}
              </tr>
              {opened && (
                <tr>
                  <td colSpan={columns.length}>{opened}</td>
                </tr>
              )}
            </Fragment>
          );
        })}
      </tbody>
    </table>
  );
}
