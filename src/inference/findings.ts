export type {
  Algorithm,
  Finding,
  Findings,
  InstanceReference,
  Measurement,
  Region,
} from '../../contracts/generated/types.ts';
