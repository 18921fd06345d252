/** From configuration to what names studies by itself, beside what is sent here. */
import { qidoSource } from '../../adapters/dicomweb/qido-source.ts';
import type { Ports, StudySource } from '../../src/ports.ts';
import type { Config } from './config.ts';

export function wireSources({ archive, completeness }: Config, ports: Ports): readonly StudySource[] {
  const { kind, url, polling } = archive;
  if (kind !== 'dicomweb' || !polling.enabled) return [];
  const { intervalSeconds, windowDays, sweepDays, sweepSeconds } = polling;
  const source = qidoSource({
    url: url!,
    intervalMs: intervalSeconds * 1000,
    windowDays,
    sweepDays,
    sweepMs: sweepSeconds * 1000,
    quietMs: completeness.quietSeconds * 1000,
    ports,
  });
  return [source];
}
