export type {
  Report,
  ReportProvenance,
  ReportSection,
  Sentence,
  UnavailableModel,
} from '../../contracts/generated/types.ts';
