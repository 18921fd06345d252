/**
 * The embedded archive as a DICOMweb server (PS3.18 sections 10.4 to 10.6), to be mounted at `/dicom-web`.
 * docs/conformance-dicomweb.md says what it does and does not.
 */
import { type RequestHandler, Router } from 'express';
import { faultHandler, methodNotAllowed } from './faults.ts';
import { bulkDataHandler, framesHandler } from './frames.ts';
import { metadataHandler } from './metadata.ts';
import type { DicomwebOptions } from './options.ts';
import { searchHandler } from './qido.ts';
import { renderedHandler } from './rendered.ts';
import { storeHandler } from './stow.ts';
import { retrieveHandler } from './wado.ts';

const STUDY = '/studies/:study';
const SERIES = `${STUDY}/series/:series`;
const INSTANCE = `${SERIES}/instances/:instance`;

/** No body parser may be mounted before it: bodies are read as streams. */
export function dicomwebRouter(options: DicomwebOptions): Router {
  const router = Router({ caseSensitive: true });
  const store: RequestHandler = storeHandler(options);
  const retrieve: RequestHandler = retrieveHandler(options);
  const metadata: RequestHandler = metadataHandler(options);
  const rendered: RequestHandler = renderedHandler(options);
  const [studies, series, instances] = (['study', 'series', 'instance'] as const).map((level) =>
    searchHandler(level, options),
  ) as [RequestHandler, RequestHandler, RequestHandler];

  router.route('/studies').get(studies).post(store).all(methodNotAllowed);
  router.route(STUDY).get(retrieve).post(store).all(methodNotAllowed);
  const gets: readonly [path: string, handler: RequestHandler][] = [
    ['/series', series],
    ['/instances', instances],
    [`${STUDY}/series`, series],
    [`${STUDY}/instances`, instances],
    [`${STUDY}/metadata`, metadata],
    [SERIES, retrieve],
    [`${SERIES}/instances`, instances],
    [`${SERIES}/metadata`, metadata],
    [INSTANCE, retrieve],
    [`${INSTANCE}/metadata`, metadata],
    [`${INSTANCE}/bulkdata/*attribute`, bulkDataHandler(options)],
    [`${INSTANCE}/frames/:frames`, framesHandler(options)],
    [`${INSTANCE}/frames/:frames/rendered`, rendered],
    [`${INSTANCE}/rendered`, rendered],
  ];
  for (const [path, handler] of gets) router.route(path).get(handler).all(methodNotAllowed);
  router.use(faultHandler(options.log));
  return router;
}
