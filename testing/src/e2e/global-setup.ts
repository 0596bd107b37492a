/** Boots the one stack that all end-to-end files share, and its first admin. */
import type { TestProject } from 'vitest/node';
import { startTestStack, type TestStack, type TestStackOptions } from '../stack.ts';
import { unlimited } from '../tuning.ts';
import { ADMIN, post, signInAdmin } from './admin.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The gateway's base URL. */
    stackUrl: string;
    /** An access token of a user with the permission `staff`, for as long as such tokens last: see {@link signInAdmin}. */
    adminToken: string;
    /** Of a service caller: holds every permission and is never throttled. */
    serviceToken: string;
    operatorToken: string;
    /** Of the first notifier, without the gateway between: its main port, and that for operations. */
    notifierUrl: string;
    notifierOpsUrl: string;
    /** The stack's data folder: mails are in `mails` below it. */
    stackFolder: string;
    databaseUrl: string;
  }
}

/** Called by vitest before the first end-to-end file. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stack = await provideStack(project, { tuning: { ANNALS_SWEEP_SECONDS: '2' } });
  return () => stack.stop();
}

/** Boots a stack without throttles for the files of `project`, and its first admin. */
export async function provideStack(project: TestProject, options: TestStackOptions): Promise<TestStack> {
  const stack = await startTestStack({ ...options, tuning: { ...unlimited, ...options.tuning } });
  await post(`${stack.opsUrl('command-api')}/admin/users`, ADMIN, stack.operatorToken);
  project.provide('stackUrl', stack.url);
  project.provide('adminToken', await signInAdmin(stack.url));
  project.provide('serviceToken', stack.serviceToken);
  project.provide('operatorToken', stack.operatorToken);
  project.provide('notifierUrl', stack.mainUrl('notifier'));
  project.provide('notifierOpsUrl', stack.opsUrl('notifier'));
  project.provide('stackFolder', stack.dataFolder);
  project.provide('databaseUrl', stack.databaseUrl);
  return stack;
}
