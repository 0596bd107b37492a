/** Arguments of Node's that load `probe.ts` into a process. */
export const probed: readonly string[] = [
  '--expose-gc',
  '--import',
  new URL('./probe.ts', import.meta.url).href,
];
