import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

/** The files of the repository, or of a copy of it in which a test broke something. */
export class Tree {
  constructor(private readonly root: string) {}

  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  text(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  /**
   * Reads the documents of a YAML file.
   * @throws Error naming the file and the line
   */
  yaml(path: string): unknown[] {
    return parseYaml(this.text(path), path);
  }

  json(path: string): unknown {
    return JSON.parse(this.text(path));
  }

  /** Lists the names in a directory. */
  list(path: string): string[] {
    return readdirSync(join(this.root, path)).sort();
  }
}

/**
 * Parses YAML documents. A key that occurs twice is an error.
 * @throws Error naming the file and the line
 */
export function parseYaml(text: string, place: string): unknown[] {
  return parseAllDocuments(text, { merge: true }).map((document) => {
    const [error] = document.errors;
    if (error) throw new Error(`${place}: ${error.message}`);
    return document.toJS() as unknown;
  });
}
