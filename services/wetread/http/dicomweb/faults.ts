/** Errors as answers: a status and a code, never a path, a name or a stack. */
import type { ErrorRequestHandler, Request, RequestHandler } from 'express';
import { ERROR_CODES, WetreadError } from '../../../../src/errors.ts';
import type { Log } from '../../../../src/ports.ts';

/** Faults that the client caused are its own business; the others are logged under the pattern of their route. */
export function faultHandler(log: Log): ErrorRequestHandler {
  return (cause: unknown, request, response, _next) => {
    if (clientIsGone(request, cause)) return;
    const error = faultOf(cause);
    const httpStatus = ERROR_CODES[error.code].httpStatus;
    if (httpStatus >= 500) {
      log.write('http-fault', {
        errorCode: error.code,
        httpMethod: request.method,
        httpRoute: routeOf(request),
        httpStatus,
      });
    }
    // A body that has begun can only be cut off: without its last boundary no client takes it for whole.
    if (response.headersSent) response.destroy();
    else response.status(httpStatus).json({ code: error.code, message: error.message });
  };
}

export const methodNotAllowed: RequestHandler = (_request, response) => {
  response.status(405).json({ code: 'request-invalid', message: 'The resource does not know this method' });
};

function clientIsGone(request: Request, cause: unknown): boolean {
  const { code } = cause as { code?: unknown };
  return request.socket.destroyed || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

/** Express answers bad percent-encoding with an error of its own. */
function faultOf(cause: unknown): WetreadError {
  if (cause instanceof URIError) return new WetreadError('request-invalid', 'The address is malformed', { cause });
  return WetreadError.from(cause);
}

function routeOf(request: Request): string {
  const route = request.route as { path?: unknown } | undefined;
  return `${request.baseUrl}${typeof route?.path === 'string' ? route.path : ''}`;
}
