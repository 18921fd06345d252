/** Debian's Chromium, headless, driven by Playwright; tests that need it are skipped where it is not installed. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const EXECUTABLE = process.env['WETREAD_CHROMIUM'] ?? '/usr/bin/chromium';

/** For `test(name, { skip: withoutBrowser }, …)`: false, or the sentence that says what is missing. */
export const withoutBrowser: string | false = existsSync(EXECUTABLE)
  ? false
  : 'CHROMIUM ABSENT: `apt-get install chromium`, or set WETREAD_CHROMIUM to its path';

if (withoutBrowser !== false) process.stderr.write(`\n*** ${withoutBrowser}: tests of the page are skipped ***\n`);

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
    ],
  });
}
