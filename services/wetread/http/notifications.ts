/**
 * Where a FHIR server calls (R4 rest-hook): a POST to the address itself, or, where the Subscription has a payload, a PUT of
 * the resource below it (R4 Subscription, 3.2.6.5.1). The secret is looked at before anything is read; 200 means that what was
 * told is committed, 503 that it is to be told again.
 */
import express, { type Request, type RequestHandler, type Router } from 'express';
import type { NotificationTarget } from '../../../adapters/fhir/subscription-source.ts';
import { WetreadError } from '../../../src/errors.ts';

/** An ImagingStudy that names each of 50,000 instances. */
const LARGEST_BODY = '32mb';
const JSON_TYPES = ['application/fhir+json', 'application/json', 'application/json+fhir'];

export function notificationRouter(target: NotificationTarget): Router {
  const router = express.Router();
  const body = express.text({ type: () => true, limit: LARGEST_BODY });
  const authenticated: RequestHandler = async (request, response, next) => {
    await target.authenticate(request.get('authorization')).catch((error: unknown) => {
      // RFC 9110 11.6.1: a 401 says how to authenticate.
      response.set('WWW-Authenticate', 'Bearer');
      throw error;
    });
    next();
  };
  const receive: RequestHandler = async (request, response) => {
    await receiveFrom(request, target);
    response.status(200).end();
  };
  router.post('/', authenticated, body, receive);
  router.put('/:type/:id', authenticated, body, receive);
  // A resource is gone at the record; the images are the archive's business.
  router.delete('/:type/:id', authenticated, (_request, response) => void response.status(204).end());
  return router;
}

async function receiveFrom(request: Request, target: NotificationTarget): Promise<void> {
  try {
    await target.receive(contentOf(request));
  } catch (error) {
    target.tellRefused(error);
    throw repeatable(error);
  }
}

/** @throws WetreadError `media-type-unsupported`, `request-invalid` */
function contentOf(request: Request): unknown {
  const text: unknown = request.body;
  if (typeof text !== 'string' || text.trim() === '') return undefined;
  if (request.is(JSON_TYPES) === false) {
    throw new WetreadError('media-type-unsupported', 'A notification is application/fhir+json');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new WetreadError('request-invalid', 'The body of a notification is not JSON');
  }
}

/** Servers repeat what is answered with 503; of the others some give up at once. */
function repeatable(error: unknown): unknown {
  const { code, message, retryable } = WetreadError.from(error);
  return retryable ? new WetreadError('overloaded', `${message} [${code}]`, { cause: error }) : error;
}
