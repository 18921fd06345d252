/** Sends instances by STOW-RS (PS3.18 10.5), as a PACS would: one chunked multipart request, one part at a time. */
import { request } from 'node:http';
import type { DicomDataSet } from '../../../src/dicom-json.ts';
import { itemsOf } from '../../../src/dicom-json.ts';
import { WetreadError } from '../../../src/errors.ts';

export interface Sent {
  readonly stored: number;
  readonly failed: number;
}

const BOUNDARY = 'wetread-demo-part';
const REFERENCED_SOP_SEQUENCE = '00081199';
const FAILED_SOP_SEQUENCE = '00081198';

/** @param studiesUrl `http://host:port/dicom-web/studies`. */
export async function sendByStow(
  studiesUrl: string,
  instances: Iterable<Uint8Array>,
  onSent: (count: number) => void,
): Promise<Sent> {
  const call = request(studiesUrl, {
    method: 'POST',
    // A kept connection may be one that the server is closing just now, and a body cannot be sent twice.
    agent: false,
    headers: {
      'content-type': `multipart/related; type="application/dicom"; boundary=${BOUNDARY}`,
      accept: 'application/dicom+json',
    },
  });
  const answer = new Promise<Buffer>((resolve, reject) => {
    call.on('error', reject);
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks)));
      response.on('error', reject);
    });
  });
  let count = 0;
  for (const bytes of instances) {
    call.write(`\r\n--${BOUNDARY}\r\nContent-Type: application/dicom\r\nContent-Length: ${bytes.length}\r\n\r\n`);
    if (!call.write(bytes)) await new Promise((resolve) => call.once('drain', resolve));
    count += 1;
    onSent(count);
  }
  call.end(`\r\n--${BOUNDARY}--\r\n`);
  return sentOf(await answer);
}

function sentOf(body: Buffer): Sent {
  try {
    const parsed = JSON.parse(body.toString()) as DicomDataSet | DicomDataSet[];
    const dataSet = Array.isArray(parsed) ? (parsed[0] ?? {}) : parsed;
    return {
      stored: itemsOf(dataSet, REFERENCED_SOP_SEQUENCE).length,
      failed: itemsOf(dataSet, FAILED_SOP_SEQUENCE).length,
    };
  } catch (error) {
    throw new WetreadError('archive-refused', 'The STOW-RS answer is not DICOM JSON', { cause: error });
  }
}
