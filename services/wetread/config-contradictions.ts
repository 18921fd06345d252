/** Keys that are right each by itself and wrong together: what the schema cannot say. */
import type { Config } from '../../contracts/generated/types.ts';
import { complaintsOfUrls } from './config-urls.ts';

/** @returns what is wrong, each naming its key; all of it, so that a file is mended in one go */
export function contradictions(config: Config): readonly string[] {
  return [
    ...ofArchives(config),
    ...ofLedger(config),
    ...ofHealthRecord(config),
    ...complaintsOfUrls({ 'inference.url': config.inference.url, 'telemetry.otlpUrl': config.telemetry.otlpUrl }),
    ...complaintsOfUrls(
      Object.fromEntries(
        Object.entries(config.inference.servers).map(([name, { url }]) => [`inference.servers.${name}.url`, url]),
      ),
    ),
    ...ofTimes(config),
    ...ofModels(config),
  ];
}

/** What comes with Wetread is trusted as Wetread itself is, and nobody's key signed it. */
function ofModels({ trustedKeys, bundledModels }: Config): readonly string[] {
  const refusesOwn = trustedKeys.length > 0 && bundledModels;
  return refusesOwn ? ['trustedKeys refuses the bundled packages, which are not signed: set bundledModels: false'] : [];
}

function ofArchives({ archive, archives }: Config): readonly string[] {
  const { kind, url, credentials, tls } = archive;
  const names = archives.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return [
    ...(kind === 'dicomweb'
      ? complaintsOfUrls({ 'archive.url': url ?? '' })
      : idle({ 'archive.url': url, 'archive.credentials': credentials, 'archive.tls': tls }, 'archive.kind: dicomweb')),
    ...complaintsOfUrls(Object.fromEntries(archives.map((other, index) => [`archives.${index}.url`, other.url]))),
    ...ofChanges('archive.polling', archive.polling),
    ...archives.flatMap(({ polling }, index) => ofChanges(`archives.${index}.polling`, polling)),
    ...(twice === undefined ? [] : [`archives: the name '${twice}' stands twice`]),
  ];
}

function ofChanges(key: string, { changes, changesUrl }: Config['archive']['polling']): readonly string[] {
  const keys = { [`${key}.changesUrl`]: changesUrl };
  return changes === 'none' ? idle(keys, `${key}.changes`) : complaintsOfUrls(keys);
}

function ofLedger({ ledger: { kind, url, passwordFile } }: Config): readonly string[] {
  if (kind === 'sqlite') {
    return idle({ 'ledger.url': url, 'ledger.passwordFile': passwordFile }, 'ledger.kind: postgres');
  }
  const parsed = URL.parse(url ?? '');
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    return ['ledger.url must be a URL such as postgresql://user@host:5432/database'];
  }
  const isTwice = parsed.password !== '' && passwordFile !== undefined;
  return isTwice ? ['ledger.url holds a password, and ledger.passwordFile is set: keep the file'] : [];
}

function ofHealthRecord({ healthRecord: { kind, url, credentials, tls } }: Config): readonly string[] {
  if (kind === 'fhir') return complaintsOfUrls({ 'healthRecord.url': url ?? '' });
  const keys = { 'healthRecord.url': url, 'healthRecord.credentials': credentials, 'healthRecord.tls': tls };
  return idle(keys, 'healthRecord.kind: fhir');
}

function ofTimes({ completeness, retention, archive, archives }: Config): readonly string[] {
  const { days, exportDirectory } = retention;
  const polled = [...(archive.kind === 'dicomweb' ? [archive] : []), ...archives].filter(
    ({ polling }) => polling.enabled,
  );
  const looksBack = Math.max(0, ...polled.flatMap(({ polling }) => [polling.windowDays, polling.sweepDays]));
  return [
    completeness.longestWaitSeconds < completeness.quietSeconds &&
      'completeness.longestWaitSeconds is shorter than completeness.quietSeconds',
    days !== undefined &&
      days <= looksBack &&
      `retention.days must be more than the ${looksBack} days that polling looks back: what is forgotten would be read anew`,
    days === undefined && exportDirectory !== undefined && 'retention.exportDirectory is set without retention.days',
  ].filter((complaint) => complaint !== false);
}

/** Keys that would have no effect: whoever wrote them expects one. */
function idle(keys: Readonly<Record<string, unknown>>, needed: string): readonly string[] {
  const set = Object.entries(keys).filter(([, value]) => value !== undefined);
  return set.map(([key]) => `${key} has no effect without ${needed}`);
}
