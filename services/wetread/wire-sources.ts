/** From configuration to what names studies by itself, beside what is sent here. */
import type { Ports, StudySource } from '../../src/ports.ts';
import type { Config } from './config.ts';
import { wirePolling } from './wire-polling.ts';

export function wireSources(config: Config, ports: Ports): readonly StudySource[] {
  return [...wirePolling(config, ports)];
}
