export type { Algorithm, Finding, Findings, InstanceReference, Measurement } from '../../contracts/generated/types.ts';
