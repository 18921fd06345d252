/** Search parameters of the resource types that the store holds (FHIR R4 3.1.1, search parameter registry). */
import type { CodeableConcept, Coding, FhirResource, Identifier, Reference } from 'fhir/r4.js';

export const RESOURCE_TYPES = [
  'Device',
  'DiagnosticReport',
  'ImagingStudy',
  'Observation',
  'Patient',
  'Provenance',
  'ServiceRequest',
] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

export interface SearchToken {
  readonly parameter: string;
  /** Code system, identifier system, or the type that a reference points at; empty where there is none. */
  readonly system: string;
  readonly value: string;
}

export interface SearchParameter {
  readonly name: string;
  readonly type: 'token' | 'reference' | 'date';
  readonly documentation: string;
}

type Elements = Readonly<Record<string, unknown>>;
type Extract = (resource: Elements) => readonly Omit<SearchToken, 'parameter'>[];

interface Definition {
  readonly type: 'token' | 'reference';
  readonly documentation: string;
  readonly extract: Extract;
}

const all = <T>(value: unknown): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as T[]) : [value as T];

const codings = (coding: readonly Coding[]): ReturnType<Extract> =>
  coding.flatMap(({ system, code }) => (code === undefined ? [] : [{ system: system ?? '', value: code }]));

const references = (list: readonly Reference[]): ReturnType<Extract> =>
  list.flatMap(({ reference }) => {
    const parts = /(?:^|\/)([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[^/]+)?$/.exec(reference ?? '');
    return parts === null ? [] : [{ system: parts[1]!, value: parts[2]! }];
  });

const identifier: Definition = {
  type: 'token',
  documentation: 'Business identifier',
  extract: (r) =>
    all<Identifier>(r['identifier']).flatMap(({ system, value }) =>
      value === undefined ? [] : [{ system: system ?? '', value }],
    ),
};

const concept = (element: string, documentation: string): Definition => ({
  type: 'token',
  documentation,
  extract: (r) => all<CodeableConcept>(r[element]).flatMap((c) => codings(c.coding ?? [])),
});

const code = (element: string, documentation: string): Definition => ({
  type: 'token',
  documentation,
  extract: (r) => all<string>(r[element]).map((value) => ({ system: '', value })),
});

const reference = (element: string, documentation: string): Definition => ({
  type: 'reference',
  documentation,
  extract: (r) => references(all<Reference>(r[element])),
});

const subject = reference('subject', 'Who it is about');
const patient: Definition = {
  ...subject,
  extract: (r) => subject.extract(r).filter(({ system }) => system === 'Patient'),
};
const status = code('status', 'Status');

const TAG: Definition = {
  type: 'token',
  documentation: 'Tag',
  extract: (r) => codings((r['meta'] as { tag?: Coding[] } | undefined)?.tag ?? []),
};

const DEFINITIONS: Readonly<Record<ResourceType, Readonly<Record<string, Definition>>>> = {
  Device: { identifier, status },
  DiagnosticReport: {
    identifier,
    patient,
    subject,
    status,
    code: concept('code', 'What was reported'),
    category: concept('category', 'Department'),
    'based-on': reference('basedOn', 'Order'),
  },
  ImagingStudy: { identifier, patient, subject, status },
  Observation: {
    identifier,
    patient,
    subject,
    status,
    code: concept('code', 'What was observed'),
    category: concept('category', 'Kind of observation'),
  },
  Patient: { identifier },
  Provenance: { target: reference('target', 'What was made') },
  ServiceRequest: {
    identifier,
    patient,
    subject,
    status,
    code: concept('code', 'What was ordered'),
    category: concept('category', 'Kind of order'),
  },
};

export function isResourceType(type: string): type is ResourceType {
  return (RESOURCE_TYPES as readonly string[]).includes(type);
}

/** What can be searched, for the CapabilityStatement; `_count` and paging apart. */
export function searchParameters(type: ResourceType): readonly SearchParameter[] {
  const own = Object.entries({ ...DEFINITIONS[type], _tag: TAG });
  return [
    { name: '_id', type: 'token', documentation: 'Logical id' },
    { name: '_lastUpdated', type: 'date', documentation: 'When it was last changed' },
    ...own.map(([name, definition]) => ({ name, type: definition.type, documentation: definition.documentation })),
  ];
}

/** What a resource can be found by. */
export function searchTokens(type: ResourceType, resource: FhirResource): readonly SearchToken[] {
  const elements = resource as unknown as Elements;
  return Object.entries({ ...DEFINITIONS[type], _tag: TAG }).flatMap(([parameter, { extract }]) =>
    extract(elements).map((found) => ({ parameter, ...found })),
  );
}
