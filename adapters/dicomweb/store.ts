/** The answer to STOW-RS (PS3.18 Annex I, Store Instances Response Module): judged by its sequences, not by its status. */
import { itemsOf, numberOf, stringOf } from '../../src/dicom-json.ts';
import type { StoreOutcome } from '../../src/ports.ts';
import type { SopInstanceUid } from '../../src/uid.ts';
import type { DicomFile } from '../../src/writeback/artifact.ts';
import { normalised } from './client.ts';
import { requireStatus } from './faults.ts';

/** Failure Reason (0008,1197) "processing failure" (PS3.18 Table I.2-2): for what the answer does not mention. */
const PROCESSING_FAILURE = 0x0110;
/** With these an answer lists what was stored: old Orthanc says 400 where some were, PS3.18 says 202 and 409. */
const WITH_LIST: readonly number[] = [200, 202, 400, 409];

/**
 * An instance is stored when it is in Referenced SOP Sequence and not in Failed SOP Sequence; one that is in neither has
 * failed.
 * @throws WetreadError `archive-refused` or `archive-unreachable` where the answer says nothing of any instance
 */
export function storeOutcome(files: readonly DicomFile[], status: number, text: string): StoreOutcome {
  const answer = normalised(dataSetOf(text));
  const referenced = new Set(itemsOf(answer, '00081199').flatMap((item) => stringOf(item, '00081155') ?? []));
  const reasons = new Map(
    itemsOf(answer, '00081198').flatMap((item) => {
      const uid = stringOf(item, '00081155');
      return uid === undefined ? [] : [[uid, numberOf(item, '00081197') ?? PROCESSING_FAILURE]];
    }),
  );
  if (status === 400 && referenced.size === 0 && reasons.size === 0) requireStatus(status, []);
  requireStatus(status, WITH_LIST);
  const stored: SopInstanceUid[] = [];
  const failed: { sopInstanceUid: string; failureReason: number }[] = [];
  for (const { object } of files) {
    const uid = object.sopInstanceUid;
    if (referenced.has(uid) && !reasons.has(uid)) stored.push(uid);
    else failed.push({ sopInstanceUid: uid, failureReason: reasons.get(uid) ?? PROCESSING_FAILURE });
  }
  return { stored, failed };
}

/** Some servers wrap the data set into a list. */
function dataSetOf(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text);
    return Array.isArray(json) ? json[0] : json;
  } catch {
    return {};
  }
}
