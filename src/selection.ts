/** Which rule reads a study and which of its series: rules decide on metadata, so that no image is fetched in vain. */
import type { Series, Study } from './arrival/study.ts';
import type { DicomDataSet } from './dicom-json.ts';
import { WetreadError } from './errors.ts';
import type { ModelPackage } from './inference/model-package.ts';
import type { RuleSubject } from './inference/rules/attributes.ts';
import {
  type Decision,
  decide,
  type SelectedReading,
  type Selection,
  seriesToDescribe,
} from './inference/rules/decide.ts';
import type { Rule } from './inference/rules/rule.ts';
import type { ImageArchive, ModelShelf } from './ports.ts';
import { reason, type Skipped } from './reasons.ts';
import type { SeriesInstanceUid } from './uid.ts';

/** Where metadata comes from: an archive, or files that are looked at. */
export type MetadataSource = Pick<ImageArchive, 'retrieveMetadata'>;

/** What to read of a study, with models that are loaded. */
export interface ReadableSelection {
  readonly rule: Selection['rule'];
  readonly readings: readonly ReadableReading[];
}

export type ReadableReading = SelectedReading & { readonly package: ModelPackage };

/** Requests for metadata that run at the same time. */
const REQUESTS_IN_FLIGHT = 4;

/** Asks for the metadata that the rules need, and decides. */
export async function decideOn(
  study: Study,
  event: RuleSubject['event'],
  rules: readonly Rule[],
  models: ModelShelf,
  archive: MetadataSource,
  signal: AbortSignal,
): Promise<Decision> {
  const packages = models.packages();
  const asked = seriesToDescribe(study, rules, packages);
  const described = await describe(study, asked, archive, signal);
  return decide({ study, described, event }, rules, packages);
}

/**
 * A series that the archive refuses to describe must not cost the others their reading: it has no values. An archive that
 * describes none is a fault, or every study would be passed over in silence.
 */
async function describe(
  study: Study,
  asked: readonly Series[],
  archive: MetadataSource,
  signal: AbortSignal,
): Promise<ReadonlyMap<SeriesInstanceUid, DicomDataSet>> {
  const described = new Map<SeriesInstanceUid, DicomDataSet>();
  let refusal: WetreadError | undefined;
  const describeOne = async (series: Series): Promise<void> => {
    try {
      const dataSet = await metadataOf(study, series, archive, signal);
      if (dataSet !== undefined) described.set(series.seriesInstanceUid, dataSet);
    } catch (error) {
      refusal = WetreadError.from(error);
      if (refusal.code !== 'archive-refused' && refusal.code !== 'part10-invalid') throw error;
    }
  };
  for (let from = 0; from < asked.length; from += REQUESTS_IN_FLIGHT) {
    await Promise.all(asked.slice(from, from + REQUESTS_IN_FLIGHT).map(describeOne));
  }
  if (described.size === 0 && refusal !== undefined) throw refusal;
  return described;
}

async function metadataOf(
  { header: { studyInstanceUid } }: Study,
  series: Series,
  archive: MetadataSource,
  signal: AbortSignal,
): Promise<DicomDataSet | undefined> {
  const instance = representativeOf(series);
  if (instance === undefined) return undefined;
  return archive.retrieveMetadata(studyInstanceUid, series.seriesInstanceUid, instance, signal);
}

/** The middle one by UID: the same at every look, and rarely the localizer that some scanners put into a series. */
function representativeOf({ instances }: Series): Series['instances'][number]['sopInstanceUid'] | undefined {
  const uids = instances.map(({ sopInstanceUid }) => sopInstanceUid).sort();
  return uids[Math.floor(uids.length / 2)];
}

/**
 * What the decision means with the models that are loaded. A rule that names several wants all of them: a study that it
 * reads is not read by the rest.
 * @throws the error of a refused package where that might have read the study: it is parked, not passed over
 */
export function readable({ selection, reason: none }: Decision, models: ModelShelf): ReadableSelection | Skipped {
  const missing = selection?.readings.find((reading) => reading.package === undefined);
  if (selection !== undefined && missing === undefined) {
    return { rule: selection.rule, readings: selection.readings as readonly ReadableReading[] };
  }
  const refused = models.refused[0];
  const mightRead = selection !== undefined || none?.code === 'no-model-selected';
  if (mightRead && refused !== undefined) throw refused.error;
  return { skipped: none ?? reason('no-model-selected', `'${missing?.model}' is not loaded`) };
}
