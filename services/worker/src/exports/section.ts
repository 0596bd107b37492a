/** Sections of exports [I8]: `*.export.ts` files say what is kept about a user in their context. */
import type { TaskServices } from '../jobs/task.ts';

export interface ExportSection {
  readonly kind: 'export-section';
  /** A member of the export, camelCase. */
  readonly name: string;
  /** All of it, as JSON. */
  readonly collect: (
    userId: string,
    services: Pick<TaskServices, 'log' | 'pool' | 'commands'>,
  ) => Promise<unknown>;
}

/** Defines a section. */
export function defineExport(name: string, collect: ExportSection['collect']): ExportSection {
  return { kind: 'export-section', name, collect };
}
