/** From configuration to what names studies by itself, beside what is sent here. */
import type { Ports, StudySource } from '../../src/ports.ts';
import type { Config } from './config.ts';
import type { WiredAccess } from './wire-access.ts';
import { wirePolling } from './wire-polling.ts';
import { wireRabbitmqSources } from './wire-rabbitmq.ts';

export function wireSources(config: Config, ports: Ports, access: WiredAccess): readonly StudySource[] {
  return [...wirePolling(config, ports, access), ...wireRabbitmqSources(config, ports.log)];
}
