import assert from 'node:assert/strict';
import { test } from 'node:test';
import { part10Reader } from '../../adapters/part10/reader.ts';
import { instanceWriter } from '../../adapters/part10/writer.ts';
import { segmentationObject } from '../../src/writeback/segmentation-object.ts';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../../test/support/sample-report.ts';
import { segmentationFile } from './segmentation-file.ts';

test('WR-PAGE-02 outlines come from the SEG as stored, on the slices they were derived from', () => {
  // 9 × 7 pixels: frames do not end on bytes.
  const volume = sampleVolume();
  const segmentation = sampleSegmentation(volume);
  const software = { name: 'Wetread', version: '0.1.0' };
  const study = sampleStudyHeader(volume);
  const report = sampleReport(segmentation);
  const object = segmentationObject({ report, study, software, segmentation, findings: report.readings[0] });
  const file = segmentationFile(part10Reader, instanceWriter().write(object));
  const { bytesPerSlice } = segmentation;
  const [, rows, columns] = volume.shape;
  for (const [k, slice] of volume.slices.entries()) {
    const outlines = file.outlines(slice.sopInstanceUid, 1);
    for (const { number, bits } of segmentation.segments) {
      const pixels = Array.from(
        { length: rows * columns },
        (_, i) => (bits[k * bytesPerSlice + (i >> 3)]! >> (i & 7)) & 1,
      );
      const outline = outlines.find((o) => o.segmentNumber === number);
      assert.equal(
        area(outline?.contours[0]?.points ?? []),
        pixels.filter(Boolean).length,
        `slice ${k}, segment ${number}`,
      );
    }
  }
});

test('an unknown slice has no outline; what is no SEG is refused', () => {
  assert.throws(() => segmentationFile(part10Reader, new Uint8Array(200)), { code: 'part10-invalid' });
});

/** Of a polygon, in pixels. */
function area(points: readonly number[]): number {
  let doubled = 0;
  for (let i = 0; i < points.length; i += 2) {
    const [x0, y0] = [points[i]!, points[i + 1]!];
    const [x1, y1] = [points[(i + 2) % points.length]!, points[(i + 3) % points.length]!];
    doubled += x0 * y1 - x1 * y0;
  }
  return Math.abs(doubled) / 2;
}
