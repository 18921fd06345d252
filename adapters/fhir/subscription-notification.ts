/**
 * What a FHIR server says when it calls, whatever its age: nothing at all (R4 rest-hook without payload), a resource (R4
 * rest-hook with payload), or a notification bundle of the R5 subscriptions framework, also as the backport for R4 (first
 * entry `Parameters`) and R4B (first entry `SubscriptionStatus`) has it (hl7.fhir.uv.subscriptions-backport 1.1).
 * Pure: the parsed body in, its meaning out.
 */
import type { Bundle, FhirResource, ImagingStudy, Parameters, ParametersParameter, ServiceRequest } from 'fhir/r4.js';
import { WetreadError } from '../../src/errors.ts';

/** What is subscribed to. */
export type Subscribed = ImagingStudy | ServiceRequest;
export type SubscribedType = Subscribed['resourceType'];

export interface Notification {
  readonly kind: 'handshake' | 'heartbeat' | 'event';
  /** Counts of which subscription: a reference, as the server writes it. */
  readonly subscription?: string;
  /** Number of the first event in the notification; 1 is the first since the subscription began. */
  readonly firstEvent?: number;
  /** How many events there have been since the subscription began, those of this notification counted. */
  readonly events?: number;
  /** True where the server reports that its subscription is in error, or off. */
  readonly faulty?: boolean;
  /** What the events are about, where the server sent it along. */
  readonly resources: readonly Subscribed[];
  /** `Type/id` of what the events are about, where it is to be fetched. */
  readonly references: readonly string[];
  /** Something happened and the server did not say to what: the record is searched. */
  readonly unnamed: boolean;
}

const UNNAMED: Notification = { kind: 'event', resources: [], references: [], unnamed: true };
const BUNDLE_TYPES: readonly string[] = ['history', 'subscription-notification'];
const REFERENCE = /(?:^|\/)(ImagingStudy|ServiceRequest)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/**
 * @param body parsed JSON; undefined where the request had no body
 * @param base FHIR base of the server: resources elsewhere are not fetched
 * @throws WetreadError `request-invalid` for what is not a notification of ImagingStudy or ServiceRequest
 */
export function readNotification(body: unknown, base: string): Notification {
  if (body === undefined) return UNNAMED;
  const resource = asResource(body);
  if (isSubscribed(resource)) return { ...UNNAMED, resources: [resource], unnamed: false };
  if (resource.resourceType !== 'Bundle' || !BUNDLE_TYPES.includes(resource.type)) throw foreign();
  const [first, ...others] = entriesOf(resource);
  const status = statusOf(first);
  if (status.kind !== 'event') return { ...status, resources: [], references: [], unnamed: false };
  return { ...status, ...contentsOf(status.focuses, others, base) };
}

/** Of an event, the resource itself where the bundle holds it; else where it lies. */
function contentsOf(
  focuses: readonly (string | undefined)[],
  sent: readonly FhirResource[],
  base: string,
): Pick<Notification, 'resources' | 'references' | 'unnamed'> {
  const contents = sent.filter(isSubscribed);
  const resources = new Map(contents.map((one) => [`${one.resourceType}/${one.id}`, one]));
  const references = new Set(focuses.flatMap((focus) => (focus === undefined ? [] : [localReference(focus, base)])));
  return {
    resources: [...resources.values()],
    references: [...references].filter((reference) => !resources.has(reference)),
    unnamed: resources.size === 0 && (focuses.length === 0 || focuses.includes(undefined)),
  };
}

/** @throws WetreadError `request-invalid` for another type of resource, or one of another server */
function localReference(reference: string, base: string): string {
  const [found, type, id] = REFERENCE.exec(reference) ?? [];
  const before = reference.slice(0, reference.length - (found?.replace(/^\//, '').length ?? 0));
  const isHere = before === '' || before.replace(/\/+$/, '') === base.replace(/\/+$/, '');
  if (found === undefined || !isHere) throw foreign();
  return `${type}/${id}`;
}

interface Status extends Pick<Notification, 'kind' | 'subscription' | 'firstEvent' | 'events' | 'faulty'> {
  readonly focuses: readonly (string | undefined)[];
}

/** R4B and R5 SubscriptionStatus, whose types are not those of R4. */
interface SubscriptionStatus {
  readonly resourceType: 'SubscriptionStatus';
  readonly type?: unknown;
  readonly status?: unknown;
  readonly eventsSinceSubscriptionStart?: unknown;
  readonly subscription?: { readonly reference?: unknown };
  readonly notificationEvent?: readonly NotificationEvent[];
}
interface NotificationEvent {
  readonly eventNumber?: unknown;
  readonly focus?: { readonly reference?: unknown };
}

function statusOf(first: FhirResource | SubscriptionStatus | undefined): Status {
  if (first?.resourceType === 'Parameters') return statusFrom(ofParameters(first));
  if (first?.resourceType === 'SubscriptionStatus') return statusFrom(first);
  throw foreign();
}

function statusFrom(found: SubscriptionStatus): Status {
  const told: readonly unknown[] = Array.isArray(found.notificationEvent) ? found.notificationEvent : [];
  const events = told.map((event) => (event ?? {}) as NotificationEvent);
  const numbers = events.flatMap(({ eventNumber }) => numberFrom(eventNumber) ?? []);
  const total =
    numberFrom(found.eventsSinceSubscriptionStart) ?? (numbers.length > 0 ? Math.max(...numbers) : undefined);
  const subscription = textFrom(found.subscription?.reference);
  return {
    kind: kindOf(found.type),
    focuses: events.map(({ focus }) => textFrom(focus?.reference)),
    faulty: found.status === 'error' || found.status === 'off',
    ...(subscription !== undefined && { subscription }),
    ...(numbers.length > 0 && { firstEvent: Math.min(...numbers) }),
    ...(total !== undefined && { events: total }),
  };
}

/** The backport's profile `backport-subscription-status-r4`: the same content as named parameters. */
function ofParameters({ parameter }: Parameters): SubscriptionStatus {
  const subscription = named(parameter, 'subscription')[0]?.valueReference;
  return {
    resourceType: 'SubscriptionStatus',
    type: anyValue(named(parameter, 'type')[0]),
    status: anyValue(named(parameter, 'status')[0]),
    eventsSinceSubscriptionStart: anyValue(named(parameter, 'events-since-subscription-start')[0]),
    ...(subscription !== undefined && { subscription }),
    notificationEvent: named(parameter, 'notification-event').map(({ part }) => {
      const focus = named(part, 'focus')[0]?.valueReference;
      return { eventNumber: anyValue(named(part, 'event-number')[0]), ...(focus !== undefined && { focus }) };
    }),
  };
}

function named(parameters: unknown, name: string): readonly ParametersParameter[] {
  const all: readonly (ParametersParameter | null)[] = Array.isArray(parameters) ? parameters : [];
  return all.filter((parameter) => parameter?.name === name) as readonly ParametersParameter[];
}

/** Servers differ in the type of a code and of a number; each parameter has one value. */
function anyValue(parameter: ParametersParameter | undefined): unknown {
  return Object.entries(parameter ?? {}).find(([key]) => key.startsWith('value'))?.[1];
}

/** R5 writes integer64 as text, R4B too. */
function numberFrom(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : undefined;
}

function textFrom(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function kindOf(type: unknown): Notification['kind'] {
  if (type === 'handshake' || type === 'heartbeat') return type;
  if (type === 'event-notification') return 'event';
  throw foreign();
}

function entriesOf({ entry }: Bundle): readonly FhirResource[] {
  if (!Array.isArray(entry)) throw foreign();
  return (entry as readonly unknown[]).flatMap((one) => {
    const { resource } = (one ?? {}) as { resource?: unknown };
    return resource === undefined ? [] : [asResource(resource)];
  });
}

function asResource(value: unknown): FhirResource {
  if (typeof value !== 'object' || value === null || !('resourceType' in value)) throw foreign();
  return value as FhirResource;
}

function isSubscribed(resource: FhirResource): resource is Subscribed {
  return resource.resourceType === 'ImagingStudy' || resource.resourceType === 'ServiceRequest';
}

function foreign(): WetreadError {
  return new WetreadError('request-invalid', 'This is no notification of an ImagingStudy or a ServiceRequest');
}
