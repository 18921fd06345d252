/** What is said of series that no model read. */
import { readImageHeader } from './arrival/image-header.ts';
import type { Series, Study } from './arrival/study.ts';
import type { FurtherSeries } from './assemble-slots.ts';
import { classify } from './assembly/classify.ts';
import type { ModelTry } from './fan-out.ts';
import { seriesSeen } from './inference/findings.ts';
import { isSkipped, type Reason, reason } from './reasons.ts';
import type { StudyInstanceUid } from './uid.ts';
import type { Work } from './work.ts';

/** Says of every series that no model read why: what was in its way, or that another was read, or that the rule leaves it out. */
export async function explainUnread(
  work: Work,
  study: Study,
  tries: readonly ModelTry[],
  { unfit }: Pick<FurtherSeries, 'unfit'>,
): Promise<void> {
  const seen = tries.flatMap(({ result }) => (result === undefined ? [] : seriesSeen(result.reading.findings)));
  const read = new Set<string>(seen.map(({ seriesInstanceUid }) => seriesInstanceUid));
  const why = new Map<Series, Reason>();
  const explain = (series: Series, because: Reason): void => {
    if (!read.has(series.seriesInstanceUid) && !why.has(series)) why.set(series, because);
  };
  for (const { setAside } of tries) for (const one of setAside) explain(one.series, one.reason);
  for (const [series, because] of unfit) explain(series, because);
  for (const series of tries.flatMap(({ candidates }) => candidates)) {
    if (read.has(series.seriesInstanceUid) || why.has(series)) continue;
    const anyway = await unfitAnyway(work, study.header.studyInstanceUid, series);
    explain(series, anyway ?? reason('another-series-read'));
  }
  const left = tries.flatMap((each) => each.left);
  for (const one of left) if (one.reason.code !== 'wrong-modality') explain(one.series, one.reason);
  for (const one of left) explain(one.series, one.reason);
  for (const [series, because] of why) work.notRead.addSeries(series, because);
}

/** Why a series is none to read even where no other was, such as a localizer: the metadata of one instance tells. */
async function unfitAnyway(
  { ports, signal }: Work,
  studyInstanceUid: StudyInstanceUid,
  { seriesInstanceUid, instances: [first] }: Series,
): Promise<Reason | undefined> {
  if (first === undefined) return undefined;
  try {
    const { sopInstanceUid } = first;
    const dataSet = await ports.archive.retrieveMetadata(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal);
    const header = dataSet && readImageHeader(dataSet);
    return isSkipped(header) ? header.skipped : header && classify(header);
  } catch {
    // A series that nobody needs must not cost the study its draft: it is explained by less.
    signal.throwIfAborted();
    return undefined;
  }
}
