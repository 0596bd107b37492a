/** What an import is about: Markdown files, read into articles. */

/** A file to import. */
export interface SourceFile {
  readonly path: string;
  /** Below the imported folder, with `/`. */
  readonly relative: string;
}

/** A file as the article that it becomes. */
export interface ImportedDocument {
  readonly file: SourceFile;
  /** The same for the same file at every import: source name and path. */
  readonly externalId: string;
  /** Titles to try in turn: the author may have used the first for another document. */
  readonly titles: readonly string[];
  readonly html: string;
  readonly tags: readonly string[];
  readonly author: string;
  readonly isDraft: boolean;
  /** A past time, or null for now. */
  readonly publishedAt: string | null;
  /** Of everything above. */
  readonly hash: string;
}

/** Why a file is not imported. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** Stable, kebab-case; a problem code where the API refused. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
