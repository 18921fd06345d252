/** The chest of the page tests as three models would leave it: two that disagree, and one that gave no result. */

import type { View, ViewSet } from '../../contracts/generated/types.ts';
import { code, LUNG } from '../../src/codes.ts';
import { draft } from '../../src/reporting/draft.ts';
import { viewSetOf } from '../../src/reporting/view.ts';
import type { ChestStudy } from './chest-study.ts';
import { effusionFinding } from './findings.ts';
import { lungCard } from './model-card.ts';
import { sampleStudyHeader } from './sample-report.ts';

const NODULE = code('27925004', 'SCT', 'Nodule');

export const SECOND = { name: 'ct-chest-second', version: '0.3.0', title: 'Chest findings on CT' };

export function severalModels(chest: ChestStudy): Pick<ChestStudy, 'report' | 'documents'> {
  const { volume } = chest;
  const [first] = chest.report.readings;
  const [right] = first.findings;
  const { impression: _, ...rule } = lungCard().report!;
  const report = draft({
    study: sampleStudyHeader(volume),
    readings: [
      { images: volume, findings: first, model: { card: lungCard() } },
      {
        images: volume,
        findings: {
          ...first,
          algorithm: { ...first.algorithm, ...SECOND },
          findings: [
            {
              ...right!,
              measurements: right!.measurements.flatMap((m) =>
                m.key === 'volume' ? [{ ...m, value: 0.7 * m.value! }] : [],
              ),
            },
            effusionFinding('absent', { key: 'effusion', probability: 0.03 }),
            effusionFinding('present', {
              key: 'nodule',
              concept: NODULE,
              site: LUNG,
              probability: 0.91,
              evidence: right!.evidence,
            }),
          ],
        },
        model: {
          card: {
            ...lungCard(),
            title: SECOND.title,
            caveats: [],
            report: {
              ...rule,
              title: 'CT chest findings',
              impression: [],
              scope: 'Effusions and nodules were looked for.',
            },
          },
        },
      },
    ],
    unavailable: [
      {
        algorithm: { name: 'ct-calcium', version: '2.1.0', digest: first.algorithm.digest },
        reason: { code: 'slice-too-thick', detail: '5.0 mm, at most 3.0 mm' },
      },
    ],
    provenance: chest.report.provenance,
  });
  return { report, documents: documentsOf(report, chest) };
}

function documentsOf(report: object, { documents }: ChestStudy): ChestStudy['documents'] {
  const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const { views } = JSON.parse(new TextDecoder().decode(documents['view.json'])) as ViewSet;
  const [view] = views as [View];
  const name = `seg-${SECOND.name}.dcm` as const;
  const second = { ...view, algorithm: SECOND, segments: view.segments.slice(0, 1), histograms: [] };
  return {
    ...documents,
    'report.json': json(report),
    'view.json': json(
      viewSetOf([
        { view, segmentation: 'seg.dcm' },
        { view: second, segmentation: name },
      ]),
    ),
    [name]: documents['seg.dcm'],
  };
}
