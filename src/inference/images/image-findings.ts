/** What a model says of the images of a series, each read by itself. */
import type { ImageFrame, ImageSet } from '../../assembly/volume.ts';
import { explain, type Reason } from '../../reasons.ts';
import type { Finding, Findings, InstanceReference } from '../findings.ts';
import type { CardOf, ImageInput, ModelPackage } from '../model-package.ts';
import type { OutputReading } from '../reading.ts';

/** What was read of one image. */
export interface ReadImage {
  readonly image: ImageFrame;
  readonly said: readonly OutputReading[];
  /** Execution provider that ran it. */
  readonly provider: string;
}

/** A frame is named only in objects that have several (PS3.3 10.3, Referenced Frame Number). */
export function imageReference({ header, frameNumber }: ImageFrame): InstanceReference {
  const { sopInstanceUid, sopClassUid, numberOfFrames } = header;
  return { sopInstanceUid, sopClassUid, ...(numberOfFrames > 1 ? { frameNumber } : {}) };
}

/** @param read at least one. @param leftOut why the other images of the set were not read */
export function findingsOfImages(
  { seriesInstanceUid, images }: ImageSet,
  { card, digest }: ModelPackage & { readonly card: CardOf<'image'> },
  read: readonly ReadImage[],
  leftOut: readonly Reason[],
): Findings {
  const { name, version, input } = card;
  const [first, ...others] = read.map(({ image }) => imageReference(image));
  const readings = read.flatMap(({ said }) => said);
  const parameters = {
    provider: [...new Set(read.map(({ provider }) => provider))].join(', '),
    'input-shape': input.shape.join(' x '),
    ...Object.fromEntries(readings.flatMap((reading) => Object.entries(reading.parameters))),
  };
  const told = read.map(({ image, said }) => {
    return { number: images.indexOf(image) + 1, findings: said.flatMap(({ findings }) => findings) };
  });
  const notes = [...readings.flatMap((reading) => reading.notes ?? []), ...leftOutNotes(leftOut, images.length)];
  return {
    algorithm: { name, version, digest, parameters },
    seriesInstanceUid,
    evidence: [first!, ...others],
    findings: [...mergedFindings(told, input.merge)],
    ...(notes.length === 0 ? {} : { notes: [...new Set(notes)] }),
  };
}

/** Sentences for the draft. */
export function leftOutNotes(leftOut: readonly Reason[], total: number): readonly string[] {
  const reasons = [...new Set(leftOut.map(explain))];
  return reasons.length === 0 ? [] : [`${leftOut.length} of ${total} images were not read: ${reasons.join('; ')}.`];
}

/** What is told of one image. @see ImageInput.merge */
interface ToldOfImage {
  /** Of the image in its series, from 1. */
  readonly number: number;
  readonly findings: readonly Finding[];
}

/**
 * `maximum`: one finding of each key, of the image that makes it most probable, the first of equals. What is absent is
 * absent in every image, so that all of them are its evidence.
 */
export function mergedFindings(told: readonly ToldOfImage[], merge: ImageInput['merge']): readonly Finding[] {
  const [only, ...others] = told;
  if (only === undefined || others.length === 0) return only?.findings ?? [];
  if (merge === 'each') {
    return told.flatMap(({ number, findings }) => {
      return findings.map((finding) => ({ ...finding, key: `${finding.key}-${number}` }));
    });
  }
  const byKey = Map.groupBy(
    told.flatMap(({ findings }) => findings),
    ({ key }) => key,
  );
  return [...byKey.values()].map((same) => {
    const most = same.reduce((one, next) => (moreProbable(next, one) ? next : one));
    return most.presence === 'absent' ? { ...most, evidence: same.flatMap(({ evidence }) => evidence) } : most;
  });
}

function moreProbable(a: Finding, b: Finding): boolean {
  return (a.probability ?? -1) > (b.probability ?? -1);
}
