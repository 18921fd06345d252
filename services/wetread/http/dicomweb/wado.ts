/** WADO-RS: instances of a study, of a series, or one alone (PS3.18 section 10.4.1.1.1). */
import type { RequestHandler, Response } from 'express';
import type { DirectoryArchive } from '../../../../adapters/directory/archive.ts';
import type { StoredInstance } from '../../../../adapters/directory/instance.ts';
import { EXPLICIT_VR_LITTLE_ENDIAN } from '../../../../src/arrival/transfer-syntax.ts';
import { WetreadError } from '../../../../src/errors.ts';
import { type Accepted, acceptedForms, covers } from './accept.ts';
import { instanceBytes, type OutgoingPart, sendMultipart } from './body.ts';
import { toExplicitLittleEndian } from './explicit-little-endian.ts';
import type { DicomwebOptions } from './options.ts';
import { addressUrl, baseOf, type InstanceAddress, studyAddressOf } from './resource.ts';
import { type TransferForm, transferForm } from './transfer-form.ts';

const DICOM = 'application/dicom';

interface Delivery {
  readonly instance: StoredInstance;
  readonly form: TransferForm;
}

export function retrieveHandler({ archive }: DicomwebOptions): RequestHandler {
  return async (request, response) => {
    const address = studyAddressOf(request);
    const instances = found(archive, address);
    const { container, deliveries } = choose(acceptedForms(request), address, instances);
    // Those that no acceptable form exists of are left out, and the status says so.
    response.status(deliveries.length < instances.length ? 206 : 200);
    if (container === 'single') return sendSingle(archive, response, deliveries[0]!);
    const base = baseOf(request);
    await sendMultipart(response, DICOM, parts(archive, base, deliveries));
  };
}

/** @throws WetreadError `not-found` where the archive has none. */
export function found(archive: DirectoryArchive, address: InstanceAddress): readonly StoredInstance[] {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = address;
  const instances = archive.instances({
    studyInstanceUid,
    ...(seriesInstanceUid !== undefined && { seriesInstanceUid }),
    ...(sopInstanceUid !== undefined && { sopInstanceUid }),
  });
  if (instances.length === 0) throw new WetreadError('not-found', 'The archive has no such study, series or instance');
  return instances;
}

interface Choice {
  readonly container: 'single' | 'multipart';
  readonly deliveries: readonly Delivery[];
}

/** The first acceptable container for which anything can be delivered; each instance in the first acceptable form. */
function choose(accepted: readonly Accepted[], address: InstanceAddress, instances: readonly StoredInstance[]): Choice {
  const usable = accepted.filter(({ type }) => covers(type, DICOM));
  const containers = usable.map(({ container }) => (container === 'single' ? 'single' : 'multipart'));
  for (const container of new Set(containers)) {
    if (container === 'single' && address.sopInstanceUid === undefined) continue;
    const forms = usable.filter((_, index) => containers[index] === container);
    const deliveries = instances.flatMap((instance) => delivery(forms, instance) ?? []);
    if (deliveries.length > 0) return { container, deliveries };
  }
  throw new WetreadError('not-acceptable', 'No instance can be given in an acceptable media type and transfer syntax');
}

function delivery(forms: readonly Accepted[], instance: StoredInstance): Delivery | undefined {
  for (const choice of forms) {
    const form = transferForm(choice, instance.transferSyntaxUid);
    if (form !== undefined) return { instance, form };
  }
  return undefined;
}

function contentType({ instance, form }: Delivery): string {
  const syntax = form === 'as-stored' ? instance.transferSyntaxUid : EXPLICIT_VR_LITTLE_ENDIAN;
  return `${DICOM}; transfer-syntax=${syntax}`;
}

/** One file, whole or in ranges (RFC 9110 section 14). */
async function sendSingle(archive: DirectoryArchive, response: Response, chosen: Delivery): Promise<void> {
  const { instance, form } = chosen;
  if (form !== 'as-stored') {
    const bytes = toExplicitLittleEndian(await archive.readInstance(instance), instance);
    response.set('Content-Type', contentType(chosen)).send(bytes);
    return;
  }
  response.set({ 'Content-Type': contentType(chosen), ETag: `"${instance.sha256}"` });
  const error = await new Promise<Error | undefined>((resolve) => {
    // The path is the archive's own; only folders above it may have names that begin with a dot.
    response.sendFile(instance.path, { dotfiles: 'allow', lastModified: false, cacheControl: false }, resolve);
  });
  if (error === undefined) return;
  if ((error as { status?: unknown }).status !== 416) throw error;
  response.status(416).set('Content-Range', `bytes */${instance.bytes}`).end();
}

async function* parts(
  archive: DirectoryArchive,
  base: string,
  deliveries: readonly Delivery[],
): AsyncGenerator<OutgoingPart> {
  for (const chosen of deliveries) {
    const { instance, form } = chosen;
    const converted =
      form === 'as-stored' ? undefined : toExplicitLittleEndian(await archive.readInstance(instance), instance);
    yield {
      headers: {
        'Content-Type': contentType(chosen),
        'Content-Length': converted?.length ?? instance.bytes,
        'Content-Location': addressUrl(base, instance),
      },
      body: converted === undefined ? instanceBytes(archive, instance) : [converted],
    };
  }
}
