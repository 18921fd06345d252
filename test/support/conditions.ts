/** Waiting for what a test wants to see, without a clock: conditions are looked at whenever something has changed. */
export class Conditions {
  readonly #waiting = new Set<() => void>();

  /** Resolves when the condition holds. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  changed(): void {
    for (const look of this.#waiting) look();
  }
}
