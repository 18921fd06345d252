/** The phantom's own files are correct DICOM: what is tested with them is tested with what a scanner could send. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { abdomenStudy, headStudy, phantomStudy, scoutFiles } from '../../adapters/phantom/phantom-study.ts';
import { dcentvfy, dciodvfy, withoutTool } from '../support/dicom-tools.ts';

const scratch = mkdtempSync(join(tmpdir(), 'wetread-phantom-'));
after(() => rmSync(scratch, { recursive: true }));

const SMALL = { matrix: 64, slices: 3 } as const;
const STUDIES = {
  chest: () => phantomStudy(SMALL),
  tilted: () => phantomStudy({ ...SMALL, tiltDegrees: 15, orientation: 'prone' }),
  scout: () => scoutFiles(),
  head: () => headStudy(SMALL),
  abdomen: () => abdomenStudy(SMALL),
} as const;

for (const [name, study] of Object.entries(STUDIES)) {
  test(`WR-MOD-12 dciodvfy and dcentvfy find no error: ${name}`, { skip: withoutTool('dciodvfy') }, () => {
    const paths = [...study()].map((bytes, k) => {
      const path = join(scratch, `${name}-${k}.dcm`);
      writeFileSync(path, bytes);
      return path;
    });
    for (const path of paths) {
      const { errors, warnings, iod } = dciodvfy(path);
      assert.deepEqual([errors, warnings, iod], [[], [], 'CTImage']);
    }
    assert.deepEqual(dcentvfy(paths), []);
  });
}
