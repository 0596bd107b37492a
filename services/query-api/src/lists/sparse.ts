/** `fields` and `exclude`. */

export interface FieldChoice {
  readonly fields?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
}

/** The fields of `item` that the choice keeps. */
export function pick(
  item: Readonly<Record<string, unknown>>,
  { fields, exclude }: FieldChoice,
): Record<string, unknown> {
  const keeps = fields ? (name: string) => fields.includes(name) : (name: string) => !exclude?.includes(name);
  return Object.fromEntries(Object.entries(item).filter(([name]) => keeps(name)));
}

/** The same for items as JSON text, separated by commas. Without a choice they are not even parsed. */
export function pickFromItems(items: string, choice: FieldChoice): string {
  if (!choice.fields && !choice.exclude) return items;
  const parsed: Record<string, unknown>[] = JSON.parse(`[${items}]`);
  return parsed.map((item) => JSON.stringify(pick(item, choice))).join(',');
}
