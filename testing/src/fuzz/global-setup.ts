/** Boots the stack that all fuzz files share: two replicas of every service. */
import type { TestProject } from 'vitest/node';
import { provideStack } from '../e2e/global-setup.ts';

/** Called by vitest before the first fuzz file. */
export function setup(project: TestProject): Promise<() => Promise<void>> {
  return provideStack(project, { replicas: 2 });
}
