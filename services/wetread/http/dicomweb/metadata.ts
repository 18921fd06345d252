/** Metadata of instances (PS3.18 section 10.4.1.1.2): data sets as DICOM JSON, large values by address. */
import type { RequestHandler } from 'express';
import type { DirectoryArchive } from '../../../../adapters/directory/archive.ts';
import type { StoredInstance } from '../../../../adapters/directory/instance.ts';
import { pixelEncodingOf } from '../../../../src/arrival/transfer-syntax.ts';
import type { DicomDataSet, DicomElement } from '../../../../src/dicom-json.ts';
import type { InstanceReader } from '../../../../src/ports.ts';
import { isSkipped } from '../../../../src/reasons.ts';
import { jsonType } from './accept.ts';
import { jsonArray, sendStream } from './body.ts';
import type { DicomwebOptions } from './options.ts';
import { addressUrl, baseOf, studyAddressOf } from './resource.ts';
import { found } from './wado.ts';

/** Longer values, in characters of base64, are given by address. */
const INLINE_LENGTH = 1_024;

export function metadataHandler({ archive, reader }: DicomwebOptions): RequestHandler {
  return async (request, response) => {
    const type = jsonType(request);
    const instances = found(archive, studyAddressOf(request));
    const base = baseOf(request);
    response.status(200).type(type);
    await sendStream(
      response,
      jsonArray(dataSets(archive, reader, base, instances), (dataSet) => dataSet),
    );
  };
}

async function* dataSets(
  archive: DirectoryArchive,
  reader: InstanceReader,
  base: string,
  instances: readonly StoredInstance[],
): AsyncGenerator<DicomDataSet> {
  for (const instance of instances) {
    const bytes = await archive.readInstance(instance);
    const bulk = `${addressUrl(base, instance)}/bulkdata`;
    const dataSet = withAddresses(archive.describe(bytes), bulk);
    const image = reader.read(bytes);
    // JSON is UTF-8, whatever the file is in (PS3.18 F.2).
    if (dataSet['00080005'] !== undefined) dataSet['00080005'] = { vr: 'CS', Value: ['ISO_IR 192'] };
    if (!isSkipped(image)) dataSet['7FE00010'] = pixelData(instance, image.header.bitsAllocated, bulk);
    yield dataSet;
  }
}

/** PS3.5 section 8.1.1 and annex A: OB where encapsulated or of at most 8 bits, else OW. */
function pixelData(instance: StoredInstance, bitsAllocated: number, bulk: string): DicomElement {
  const native = pixelEncodingOf(instance.transferSyntaxUid) === 'native';
  return { vr: native && bitsAllocated > 8 ? 'OW' : 'OB', BulkDataURI: `${bulk}/7FE00010` };
}

/** Large binary values become addresses that end in the path of the attribute, items counted from 1 (PS3.18 F.4.2). */
function withAddresses(dataSet: DicomDataSet, bulk: string): Record<string, DicomElement> {
  return Object.fromEntries(
    Object.entries(dataSet).map(([tag, element]) => [tag, elementWithAddress(element, `${bulk}/${tag}`)]),
  );
}

function elementWithAddress(element: DicomElement, bulk: string): DicomElement {
  const { vr, InlineBinary, Value } = element;
  if (InlineBinary !== undefined && InlineBinary.length > INLINE_LENGTH) return { vr, BulkDataURI: bulk };
  if (vr !== 'SQ' || Value === undefined) return element;
  return { vr, Value: Value.map((item, index) => withAddresses(item as DicomDataSet, `${bulk}/${index + 1}`)) };
}
