/** Rules as the core works with them: data that cannot do anything but be compared. `contracts/rule.schema.json` is how a site writes them. */
import type { RuleSeriesSelection } from '../../../contracts/generated/types.ts';
import type { Priority } from '../../arrival/priority.ts';
import { type AttributeName, isDescribed } from './attributes.ts';
import type { KernelKind } from './kernels.ts';

/** What a value of an attribute must be; that of several, any one may be it. */
export type Test =
  | { readonly kind: 'is'; readonly values: readonly string[] }
  | { readonly kind: 'contains'; readonly text: string }
  | { readonly kind: 'matches'; readonly pattern: string }
  /** Inclusive. */
  | { readonly kind: 'range'; readonly minimum?: number; readonly maximum?: number }
  | { readonly kind: 'exists'; readonly expected: boolean };

export type Condition =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'attribute'; readonly attribute: AttributeName; readonly test: Test };

/** Direction of the normal of the slices: within 30 degrees of an axis of the patient. */
export const PLANES = ['axial', 'coronal', 'sagittal'] as const;
export type Plane = (typeof PLANES)[number];

/** What Image Type (0008,0008) and the SOP class say of a series that is no reconstruction of slices. */
export const EXCLUSIONS = ['localizer', 'projection', 'derived', 'secondary'] as const;
export type Exclusion = (typeof EXCLUSIONS)[number];

export const PREFERENCES = ['most-instances', 'thinnest'] as const;
export type Preference = (typeof PREFERENCES)[number];

/** Which series of a study a rule reads; those that the model does not read by their modality are left out before. */
export interface SeriesSelection {
  readonly exclude: readonly Exclusion[];
  readonly plane?: Plane;
  readonly kernel?: KernelKind;
  /** Slice Thickness (0018,0050), mm, inclusive. */
  readonly sliceThickness?: { readonly minimum?: number; readonly maximum?: number };
  readonly where?: Condition;
  /** Which is tried first; the next one only when it gives no result. */
  readonly prefer: Preference;
  /** No more than these are tried. */
  readonly atMost?: number;
}

/** A model, and what it is to read. */
export interface RuleReading {
  /** Name in the card of a model package. */
  readonly model: string;
  readonly series: SeriesSelection;
  /** What takes the place of the card's own words, key by key, where the model is given further series. */
  readonly overrides: SelectionOverrides;
}

/** As the site wrote them. */
export interface SelectionOverrides {
  /** Of the series that is read. */
  readonly series: RuleSeriesSelection;
  /** Of the series that fill slots, by their names. */
  readonly slots: Readonly<Record<string, RuleSeriesSelection>>;
}

export interface Rule {
  readonly name: string;
  /** Of the study; a rule without one holds for every study that has a series to read. */
  readonly when?: Condition;
  /** At least one; no model twice. Their findings become one draft, in this order. */
  readonly readings: readonly RuleReading[];
  readonly priority: Priority;
  /** Where it differs from what the site decides for all. */
  readonly patience: { readonly quietMs?: number; readonly longestWaitMs?: number };
}

/** The attributes that a condition asks for. */
export function attributesIn(condition: Condition): readonly AttributeName[] {
  if (condition.kind === 'attribute') return [condition.attribute];
  return condition.kind === 'not' ? attributesIn(condition.of) : condition.of.flatMap(attributesIn);
}

/** Whether the condition can be judged only with metadata of an instance. */
export function asksInstances(condition: Condition | undefined): boolean {
  return condition !== undefined && attributesIn(condition).some(isDescribed);
}

/** Whether series can be told apart only with metadata of an instance of each. */
export function tellsByInstances({ exclude, plane, kernel, sliceThickness, where, prefer }: SeriesSelection): boolean {
  const asked = plane !== undefined || kernel !== undefined || sliceThickness !== undefined;
  return asked || exclude.length > 0 || prefer === 'thinnest' || asksInstances(where);
}
