/** Python packages that tests compare with. Where they cannot be had, that is said once, with the cure. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface PythonPackages {
  /** As a person knows them. */
  readonly name: string;
  /** `name==version`, as pip takes them. */
  readonly packages: readonly string[];
  /** What must be there to be imported. */
  readonly imports: readonly string[];
  /** Environment variable that may name a Python that has them. */
  readonly variable: string;
}

/** Looked for once a process, when somebody asks; made on first use, in the user's cache. */
export class PythonEnvironment {
  readonly #wanted: PythonPackages;
  #found: { readonly python: string | undefined } | undefined;

  constructor(wanted: PythonPackages) {
    this.#wanted = wanted;
  }

  /** For `test(name, { skip: environment.absence() }, …)`: false, or the sentence that says what to install. */
  absence(): string | false {
    const { name, packages, variable } = this.#wanted;
    const install = `python3 -m venv DIR && DIR/bin/pip install '${packages.join("' '")}', then ${variable}=DIR/bin/python`;
    if (this.#found === undefined) {
      this.#found = { python: this.#find() };
      if (this.#found.python === undefined) process.stderr.write(`\n*** ${name} ABSENT: ${install} ***\n`);
    }
    return this.#found.python === undefined && `${name} ABSENT: ${install}`;
  }

  /** The Python that has them; ask {@link absence} first. */
  get python(): string {
    if (this.#found?.python === undefined) throw new Error(`ask for the absence of ${this.#wanted.name} first`);
    return this.#found.python;
  }

  #find(): string | undefined {
    const { packages, variable } = this.#wanted;
    const home = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
    const cache = join(home, 'wetread', packages.join('-').replaceAll(/[^\w.-]+/g, '-'));
    const own = join(cache, 'bin', 'python');
    const known = [process.env[variable], own].find((python) => python !== undefined && this.#canImport(python));
    if (known !== undefined) return known;
    mkdirSync(cache, { recursive: true });
    spawnSync('python3', ['-m', 'venv', '--clear', cache], { timeout: 60_000 });
    spawnSync(own, ['-m', 'pip', 'install', '--quiet', ...packages], { timeout: 600_000 });
    return this.#canImport(own) ? own : undefined;
  }

  #canImport(python: string): boolean {
    return spawnSync(python, ['-c', `import ${this.#wanted.imports.join(', ')}`], { timeout: 60_000 }).status === 0;
  }
}
