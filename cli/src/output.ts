/** What the cli writes: results on standard output, everything else on standard error. */

/** Where a command writes. */
export interface Output {
  /** A line of the result. */
  line(text: string): void;
  /** A value as one line of JSON. */
  json(value: unknown): void;
  /** Something that people should know and scripts should not read. */
  note(text: string): void;
  /** Calls `listener` once nobody reads results any more. */
  onUnread(listener: () => void): void;
  /** True where people watch: progress may be drawn. */
  readonly isInteractive: boolean;
}

/** The process' own streams. A reader that went away is no error. */
export function processOutput(): Output {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return {
    line: (text) => void process.stdout.write(`${text}\n`),
    json: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
    onUnread: (listener) => void process.stdout.once('error', listener),
    note: (text) => void process.stderr.write(`${text}\n`),
    isInteractive: process.stderr.isTTY === true,
  };
}

/** Lines of columns, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** A failure whose message is all that the user needs: no stack is shown. */
export class Failure extends Error {
  override readonly name = 'Failure';
}
