/**
 * Part 10 files (PS3.10 7.1) in Explicit VR Little Endian.
 *
 * The encoder is our own: dcmjs takes about 10 ms for the SR of a small study and 40 ms for one of 300 slices, where the
 * goal for building and encoding SR and FHIR together is 5 ms, and it writes values that their VR forbids
 * (docs/decisions/0007-part-10-writer.md has both). Tests read everything written here with dcmjs, dicom-parser, dcmtk,
 * dicom3tools and pydicom.
 */
import type { DicomDataSet } from '../../src/dicom-json.ts';
import type { InstanceWriter } from '../../src/ports.ts';
import { nameBasedUid } from '../../src/uid.ts';
import type { DicomObject } from '../../src/writeback/artifact.ts';
import { ByteSink } from './byte-sink.ts';
import { writeElements, writeHeader } from './write-elements.ts';

export const EXPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';

/** Who encoded the file (PS3.7 D.3.3.2): rises when the same object would give other bytes. */
const IMPLEMENTATION_VERSION_NAME = 'WETREAD_1';
const IMPLEMENTATION_CLASS_UID: string = nameBasedUid('implementation-class', IMPLEMENTATION_VERSION_NAME);

/** The same object always gives the same bytes; throws `internal` for a data set that DICOM does not allow. */
export function instanceWriter(): InstanceWriter {
  const sink = new ByteSink();
  return { write: (object) => writeInstance(sink, object) };
}

function writeInstance(sink: ByteSink, object: DicomObject): Uint8Array {
  sink.clear();
  writeElements(sink, fileMeta(object));
  const meta = sink.written().slice();
  sink.clear();
  writeElements(sink, object.dataSet);
  const pixels = object.pixelData ?? new Uint8Array(0);
  const padding = pixels.length % 2;
  if (object.pixelData !== undefined) {
    writeHeader(sink, '7FE00010', 'OB');
    sink.setUint32(sink.length - 4, pixels.length + padding);
  }
  return concatenate([preamble(meta.length), meta, sink.written(), pixels, new Uint8Array(padding)]);
}

/** 128 zeros, `DICM`, and the length of the group that follows. */
function preamble(metaLength: number): Uint8Array {
  const sink = new ByteSink();
  sink.bytes(new Uint8Array(128));
  sink.text('DICM');
  // (0002,0000) UL, 4 bytes
  sink.uint32(0x0000_0002);
  sink.text('UL');
  sink.uint16(4);
  sink.uint32(metaLength);
  return sink.written();
}

/** File Meta Information (PS3.10 Table 7.1-1) after its group length. */
function fileMeta(object: DicomObject): DicomDataSet {
  return {
    '00020001': { vr: 'OB', InlineBinary: 'AAE=' },
    '00020002': { vr: 'UI', Value: [object.sopClassUid] },
    '00020003': { vr: 'UI', Value: [object.sopInstanceUid] },
    '00020010': { vr: 'UI', Value: [EXPLICIT_VR_LITTLE_ENDIAN] },
    '00020012': { vr: 'UI', Value: [IMPLEMENTATION_CLASS_UID] },
    '00020013': { vr: 'SH', Value: [IMPLEMENTATION_VERSION_NAME] },
  };
}

/** One copy of the pixel data, however large. */
function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
