export type { Report, ReportProvenance, ReportSection, Sentence } from '../../contracts/generated/types.ts';
