/**
 * Work items and their states as an origin server of UPS-RS keeps them: PS3.4 CC.1.1 (states), CC.2.1 to CC.2.6
 * (operations), as pure memory. A call answers with the DIMSE status that the standard gives it; what it means in HTTP is
 * decided in `ups-server.ts`.
 */
import { type DicomDataSet, type DicomElement, itemsOf, stringOf } from '../../../src/dicom-json.ts';

export type WorkitemState = 'SCHEDULED' | 'IN PROGRESS' | 'COMPLETED' | 'CANCELED';

/** Status codes of PS3.4 CC.2, Tables CC.2.1-2, CC.2.2-2, CC.2.5-4 and CC.2.6-2. */
export const STATUS = {
  success: 0x0000,
  duplicateInstance: 0x0111,
  missingAttributeValue: 0x0121,
  alreadyCanceled: 0xb304,
  alreadyCompleted: 0xb306,
  mayNoLongerBeUpdated: 0xc300,
  transactionUidNotCorrect: 0xc301,
  alreadyInProgress: 0xc302,
  mayNotBecomeScheduled: 0xc303,
  finalStateRequirementsNotMet: 0xc304,
  doesNotExist: 0xc307,
  notScheduled: 0xc309,
  notYetInProgress: 0xc310,
  cancelOfCompleted: 0xc311,
  performerCannotBeContacted: 0xc312,
} as const;
export type Status = (typeof STATUS)[keyof typeof STATUS];

interface Workitem {
  dataSet: DicomDataSet;
  transactionUid?: string;
  /** Who claimed it, where the server is told. */
  performer?: string;
}

/** PS3.4 CC.2.4: Event Type ID (0000,1002), and the attributes that go with it. */
export interface WorkitemEvent {
  readonly workitemUid: string;
  readonly eventTypeId: 1 | 2 | 3;
  readonly dataSet: DicomDataSet;
}

export const UPS_PUSH_SOP_CLASS = '1.2.840.10008.5.1.4.34.6.1';
const SCHEDULED_ATTRIBUTES = ['00741000', '00741200', '00741204', '00404005', '00404041'];

export class Worklist {
  readonly #workitems = new Map<string, Workitem>();
  /** Told of every event, before the call that caused it returns. */
  onEvent: (event: WorkitemEvent) => void = () => {};
  /** Whether a cancel request can be brought to whom claimed the item; undefined stands for whoever it is. */
  canContact: (performer: string | undefined) => boolean = () => true;

  /** CC.2.5. */
  create(workitemUid: string, dataSet: DicomDataSet): Status {
    if (this.#workitems.has(workitemUid)) return STATUS.duplicateInstance;
    if (SCHEDULED_ATTRIBUTES.some((tag) => stringOf(dataSet, tag) === undefined)) return STATUS.missingAttributeValue;
    if (stringOf(dataSet, '00741000') !== 'SCHEDULED') return STATUS.notScheduled;
    const stored = { ...dataSet, '00080016': ui(UPS_PUSH_SOP_CLASS), '00080018': ui(workitemUid) };
    this.#workitems.set(workitemUid, { dataSet: stored });
    this.#report(workitemUid);
    return STATUS.success;
  }

  /** CC.2.7: never with the Transaction UID, which is the lock. */
  get(workitemUid: string): DicomDataSet | undefined {
    return this.#workitems.get(workitemUid)?.dataSet;
  }

  all(): readonly DicomDataSet[] {
    return [...this.#workitems.values()].map(({ dataSet }) => dataSet);
  }

  /** CC.2.6. */
  update(workitemUid: string, transactionUid: string | undefined, changes: DicomDataSet): Status {
    const workitem = this.#workitems.get(workitemUid);
    if (workitem === undefined) return STATUS.doesNotExist;
    const state = stateOf(workitem);
    if (state === 'COMPLETED' || state === 'CANCELED') return STATUS.mayNoLongerBeUpdated;
    if (state === 'SCHEDULED' && transactionUid !== undefined) return STATUS.notYetInProgress;
    if (workitem.transactionUid !== transactionUid) return STATUS.transactionUidNotCorrect;
    const { '00081195': _lock, '00741000': _state, ...allowed } = changes;
    const readinessBefore = stringOf(workitem.dataSet, '00404041');
    workitem.dataSet = { ...workitem.dataSet, ...allowed };
    if (stringOf(workitem.dataSet, '00404041') !== readinessBefore) this.#report(workitemUid);
    const progress = allowed['00741002'];
    if (progress !== undefined) {
      this.onEvent({ workitemUid, eventTypeId: 3, dataSet: { '00741002': progress } });
    }
    return STATUS.success;
  }

  /** CC.2.1, row by row as Table CC.1.1-2 has it. */
  changeState(
    workitemUid: string,
    to: string | undefined,
    transactionUid: string | undefined,
    performer?: string,
  ): Status {
    const workitem = this.#workitems.get(workitemUid);
    if (workitem === undefined) return STATUS.doesNotExist;
    if (to === 'SCHEDULED') return STATUS.mayNotBecomeScheduled;
    if (transactionUid === undefined) return STATUS.transactionUidNotCorrect;
    const from = stateOf(workitem);
    if (from !== 'SCHEDULED' && workitem.transactionUid !== transactionUid) return STATUS.transactionUidNotCorrect;
    if (to === 'IN PROGRESS') return this.#claim(workitem, workitemUid, transactionUid, performer);
    if (from === 'SCHEDULED') return STATUS.notYetInProgress;
    if (from === 'CANCELED') return to === 'CANCELED' ? STATUS.alreadyCanceled : STATUS.mayNoLongerBeUpdated;
    if (from === 'COMPLETED') return to === 'COMPLETED' ? STATUS.alreadyCompleted : STATUS.mayNoLongerBeUpdated;
    if (to === 'COMPLETED' && !meetsFinalStateRequirements(workitem.dataSet)) {
      return STATUS.finalStateRequirementsNotMet;
    }
    this.#setState(workitem, workitemUid, to === 'COMPLETED' ? 'COMPLETED' : 'CANCELED');
    return STATUS.success;
  }

  /** CC.2.2. */
  requestCancel(workitemUid: string, requester: string, proposal: DicomDataSet): Status {
    const workitem = this.#workitems.get(workitemUid);
    if (workitem === undefined) return STATUS.doesNotExist;
    const state = stateOf(workitem);
    if (state === 'CANCELED') return STATUS.alreadyCanceled;
    if (state === 'COMPLETED') return STATUS.cancelOfCompleted;
    if (state === 'SCHEDULED') {
      // A performer may only cancel what is in progress: the server goes through that state itself.
      this.#setState(workitem, workitemUid, 'IN PROGRESS');
      this.#setState(workitem, workitemUid, 'CANCELED');
      return STATUS.success;
    }
    if (!this.canContact(workitem.performer)) return STATUS.performerCannotBeContacted;
    const dataSet = { ...proposal, '00741236': { vr: 'AE', Value: [requester] } satisfies DicomElement };
    this.onEvent({ workitemUid, eventTypeId: 2, dataSet });
    return STATUS.success;
  }

  #claim(workitem: Workitem, workitemUid: string, transactionUid: string, performer: string | undefined): Status {
    const from = stateOf(workitem);
    if (from === 'IN PROGRESS') return STATUS.alreadyInProgress;
    if (from !== 'SCHEDULED') return STATUS.mayNoLongerBeUpdated;
    workitem.transactionUid = transactionUid;
    if (performer !== undefined) workitem.performer = performer;
    this.#setState(workitem, workitemUid, 'IN PROGRESS');
    return STATUS.success;
  }

  #setState(workitem: Workitem, workitemUid: string, state: WorkitemState): void {
    workitem.dataSet = { ...workitem.dataSet, '00741000': { vr: 'CS', Value: [state] } };
    this.#report(workitemUid);
  }

  #report(workitemUid: string): void {
    this.onEvent(this.stateReport(workitemUid));
  }

  /** UPS State Report, of the state now. */
  stateReport(workitemUid: string): WorkitemEvent {
    const dataSet = this.#workitems.get(workitemUid)!.dataSet;
    const [state, readiness] = [dataSet['00741000']!, dataSet['00404041']!];
    return { workitemUid, eventTypeId: 1, dataSet: { '00741000': state, '00404041': readiness } };
  }
}

function stateOf({ dataSet }: Workitem): WorkitemState {
  return stringOf(dataSet, '00741000') as WorkitemState;
}

/** Table CC.2.5-3, column "Final State": what stands in COMPLETED items. */
function meetsFinalStateRequirements(dataSet: DicomDataSet): boolean {
  const [performed] = itemsOf(dataSet, '00741216');
  if (performed === undefined) return false;
  const codes = ['00404028', '00404019'].map((tag) => itemsOf(performed, tag)[0]);
  const coded = codes.every((item) => item !== undefined && stringOf(item, '00080100') !== undefined);
  return coded && ['00404050', '00404051'].every((tag) => stringOf(performed, tag) !== undefined);
}

function ui(uid: string): DicomElement {
  return { vr: 'UI', Value: [uid] };
}
