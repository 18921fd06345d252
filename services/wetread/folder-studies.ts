/** The studies below a folder as an archive would tell them: headers are kept, images are not decoded and nothing is stored. */
import { readFile } from 'node:fs/promises';
import { isWetreadResult } from '../../adapters/dicomweb/own-result.ts';
import { readDataSet } from '../../adapters/part10/reader.ts';
import { readInstanceUids } from '../../src/arrival/instance-uids.ts';
import type { Series, Study, StudyHeader } from '../../src/arrival/study.ts';
import { present, readStudyHeader } from '../../src/arrival/study-header.ts';
import { type DicomDataSet, numberOf, stringOf } from '../../src/dicom-json.ts';
import type { ImageArchive } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { MetadataSource } from '../../src/selection.ts';
import type { SopInstanceUid } from '../../src/uid.ts';
import { filesBelow } from './import-folder.ts';

export interface FolderStudies {
  readonly studies: readonly Study[];
  readonly archive: MetadataSource & Pick<ImageArchive, 'retrieveSeries'>;
}

export async function studiesBelow(folder: string): Promise<FolderStudies> {
  const found = new Map<string, FoundStudy>();
  const paths = new Map<SopInstanceUid, string>();
  for await (const path of filesBelow(folder)) {
    const dataSet = await dataSetAt(path);
    if (dataSet === undefined || isWetreadResult(dataSet)) continue;
    const uids = readInstanceUids(dataSet);
    const header = readStudyHeader(dataSet);
    if (isSkipped(uids) || isSkipped(header) || paths.has(uids.sopInstanceUid)) continue;
    paths.set(uids.sopInstanceUid, path);
    const study = found.get(uids.studyInstanceUid) ?? new FoundStudy(header);
    found.set(uids.studyInstanceUid, study);
    study.add(header, seriesOf(dataSet, uids));
  }
  return {
    studies: [...found.values()].map((study) => study.study()),
    archive: {
      retrieveMetadata: async (_study, _series, instance) => {
        const path = paths.get(instance);
        return path === undefined ? undefined : dataSetAt(path);
      },
      async *retrieveSeries(studyUid, seriesUid) {
        const series = found
          .get(studyUid)
          ?.study()
          .series.find((one) => one.seriesInstanceUid === seriesUid);
        for (const { sopInstanceUid } of series?.instances ?? []) yield await readFile(paths.get(sopInstanceUid)!);
      },
    },
  };
}

/** One study in the making: its series grow, and orders of several series come together. */
class FoundStudy {
  readonly #header: StudyHeader;
  readonly #requests = new Map<string, StudyHeader['requests'][number]>();
  readonly #series = new Map<string, Series>();

  constructor(header: StudyHeader) {
    this.#header = header;
  }

  add({ requests }: StudyHeader, found: Series): void {
    for (const request of requests) this.#requests.set(JSON.stringify(request), request);
    const before = this.#series.get(found.seriesInstanceUid) ?? { ...found, instances: [] };
    this.#series.set(found.seriesInstanceUid, { ...before, instances: [...before.instances, ...found.instances] });
  }

  study(): Study {
    return {
      header: { ...this.#header, requests: [...this.#requests.values()] },
      series: [...this.#series.values()],
    };
  }
}

function seriesOf(
  dataSet: DicomDataSet,
  {
    seriesInstanceUid,
    sopInstanceUid,
    sopClassUid,
  }: Exclude<ReturnType<typeof readInstanceUids>, { skipped: unknown }>,
): Series {
  return {
    seriesInstanceUid,
    modality: stringOf(dataSet, '00080060') ?? '',
    ...present({
      seriesNumber: numberOf(dataSet, '00200011'),
      seriesDescription: stringOf(dataSet, '0008103E'),
    }),
    instances: [{ sopInstanceUid, sopClassUid }],
  };
}

/** Undefined where the file is none that can be read. */
async function dataSetAt(path: string): Promise<DicomDataSet | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  const read = bytes && readDataSet(bytes);
  return read === undefined || isSkipped(read) ? undefined : read.dataSet;
}
