/** Work items as a requester creates them (PS3.4 Table CC.2.5-3), and what a requester asks of the server. */
import type { DicomDataSet, DicomElement } from '../../../src/dicom-json.ts';

export const MEDIA_TYPE = 'application/dicom+json';

export interface WorkitemRequest {
  readonly studies?: readonly { readonly studyInstanceUid: string; readonly sopInstanceUids?: readonly string[] }[];
  readonly patientId?: string;
  readonly priority?: 'HIGH' | 'MEDIUM' | 'LOW';
  readonly readiness?: 'READY' | 'INCOMPLETE' | 'UNAVAILABLE';
  readonly label?: string;
  /** Scheduled Workitem Code Sequence, of scheme 99TEST. */
  readonly workitemCode?: string;
  readonly station?: string;
}

export function scheduledWorkitem(request: WorkitemRequest = {}): DicomDataSet {
  const {
    studies = [],
    patientId = 'P-1',
    priority = 'MEDIUM',
    readiness = 'READY',
    label = 'Preliminary read',
  } = request;
  const { workitemCode = 'READ', station } = request;
  return {
    '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Planted^Name' }] },
    '00100020': { vr: 'LO', Value: [patientId] },
    '00404005': { vr: 'DT', Value: ['20261121120000'] },
    '00404018': sequence(codeItem(workitemCode)),
    '00404021': { vr: 'SQ', Value: studies.map(inputItem) },
    '00404025': station === undefined ? { vr: 'SQ' } : sequence(codeItem(station)),
    '00404041': { vr: 'CS', Value: [readiness] },
    '00741000': { vr: 'CS', Value: ['SCHEDULED'] },
    '00741200': { vr: 'CS', Value: [priority] },
    '00741204': { vr: 'LO', Value: [label] },
  };
}

function inputItem({ studyInstanceUid, sopInstanceUids = [] }: NonNullable<WorkitemRequest['studies']>[number]) {
  return {
    '0040E020': { vr: 'CS', Value: ['DICOM'] },
    '0020000D': { vr: 'UI', Value: [studyInstanceUid] },
    '00081199': {
      vr: 'SQ',
      Value: sopInstanceUids.map((uid) => ({ '00081155': { vr: 'UI', Value: [uid] } }) as const),
    },
  } satisfies DicomDataSet;
}

export function codeItem(value: string): DicomDataSet {
  return {
    '00080100': { vr: 'SH', Value: [value] },
    '00080102': { vr: 'SH', Value: ['99TEST'] },
    '00080104': { vr: 'LO', Value: [value] },
  };
}

function sequence(item: DicomDataSet): DicomElement {
  return { vr: 'SQ', Value: [item] };
}

export function send(method: string, url: string, body?: DicomDataSet): Promise<Response> {
  return fetch(url, {
    method,
    // Servers come and go on the same port: no connection is kept from one to the next.
    headers: { accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE, connection: 'close' },
    ...(body && { body: JSON.stringify([body]) }),
  });
}

/** PS3.18 11.7: what a performer sends to change the state. */
export function stateChange(state: string, transactionUid?: string): DicomDataSet {
  return {
    '00741000': { vr: 'CS', Value: [state] },
    ...(transactionUid !== undefined && { '00081195': { vr: 'UI', Value: [transactionUid] } }),
  };
}
