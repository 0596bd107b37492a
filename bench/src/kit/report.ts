/** The table at the end: for the terminal, and as Markdown. */
import { table } from '@annals/cli/output';
import type { Row } from './bench.ts';

const HEADINGS = ['', 'what', 'against', 'measured', 'ratio', 'goal'];

/** Lines for a terminal. */
export function terminalTable(rows: readonly Row[]): string[] {
  return table([HEADINGS, ...rows.map(cells)]);
}

/** A page: the table, the machine, when it was taken. */
export function markdownPage(rows: readonly Row[], machine: readonly string[], taken: Date): string {
  const line = (values: readonly string[]) =>
    `| ${values.map((value) => value.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    '# Benchmarks',
    '',
    `Taken ${taken.toISOString()}.`,
    '',
    line(HEADINGS),
    line(HEADINGS.map(() => '---')),
    ...rows.map((row) => line(cells(row))),
    '',
    ...machine.map((text) => `- ${text}`),
    '',
  ].join('\n');
}

function cells({ what, against, measured, ratio, goal, isMet }: Row): string[] {
  const mark = isMet === null ? '·' : isMet ? '✓' : '✗';
  return [mark, what, against, measured, ratio === null ? '' : ratio.toFixed(2), goal];
}
