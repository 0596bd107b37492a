/** The job of one export. */
import { uuid } from '@annals/contracts/kit/primitives';
import { z } from 'zod';
import type { JobRequest } from '../jobs/task.ts';

export const EXPORT_TASK = 'export';

export const exportPayload = z.strictObject({ exportId: uuid, userId: uuid });

export function exportJob(payload: z.infer<typeof exportPayload>): JobRequest {
  return { task: EXPORT_TASK, key: `export:${payload.exportId}`, payload };
}
